mod cluster;
mod rules;
mod totals;
