//! One look at every object in every cache, compared with the copies that were there before.

use super::cache::Copy;
use super::objects::OBJECTS;
use crate::report::Report;

/// What one cache showed for one object.
#[derive(Clone, Debug)]
pub(super) struct Sight {
    /// Which cache, by its place.
    pub(super) cache: usize,
    /// Which object, by its place in [`OBJECTS`].
    pub(super) object: usize,
    /// Which answer of the origin this cache had before; `None` if it had none.
    pub(super) before: Option<u64>,
    /// What it answered.
    pub(super) copy: Copy,
    /// How often the origin was asked for the object because of this look.
    pub(super) asked: u64,
}

impl Sight {
    /// It served the very copy that it had.
    fn is_kept(&self) -> bool {
        self.copy.is_hit && Some(self.copy.number) == self.before && self.asked == 0
    }

    /// It had none, and fetched the object anew.
    fn is_dropped(&self) -> bool {
        let is_new = self.before.is_none_or(|before| before < self.copy.number);
        !self.copy.is_hit && is_new && self.copy.age == 0 && self.asked == 1
    }

    /// `hit #12` or `MISS #57`.
    fn shown(&self) -> String {
        let word = if self.copy.is_hit { "hit" } else { "MISS" };
        format!("{word} #{}", self.copy.number)
    }
}

/// All that one look showed.
#[derive(Debug)]
pub(super) struct Sweep(pub(super) Vec<Sight>);

impl Sweep {
    /// Tells what was seen and checks that each of the caches dropped `dropped`, and nothing else.
    /// Unless `in_full`, objects that were served by every cache as before are left out.
    pub(super) fn judge(
        &self,
        report: &mut Report,
        names: &[String],
        dropped: Option<usize>,
        in_full: bool,
    ) {
        self.tell(report, names, in_full);
        let (targets, others): (Vec<&Sight>, Vec<&Sight>) =
            self.0.iter().partition(|sight| Some(sight.object) == dropped);
        if let Some(place) = dropped {
            let object = &OBJECTS[place];
            let count = targets.iter().filter(|sight| sight.is_dropped()).count();
            let claim = format!(
                "{count} of {} caches had to fetch {}{} anew: one id in X-Varnish, Age 0",
                targets.len(),
                object.host,
                object.target
            );
            report.check(count == targets.len() && count > 0, &claim);
        }
        let count = others.iter().filter(|sight| sight.is_kept()).count();
        let claim = format!(
            "{count} of {} {}copies were kept: two ids in X-Varnish, the same answer, the origin \
             not asked",
            others.len(),
            if dropped.is_some() { "other " } else { "" }
        );
        report.check(count == others.len() && count > 0, &claim);
    }

    /// The table of what was seen: an object a row, a cache a column.
    fn tell(&self, report: &Report, names: &[String], in_full: bool) {
        let mut caches: Vec<usize> = self.0.iter().map(|sight| sight.cache).collect();
        caches.sort_unstable();
        caches.dedup();
        let mut rows = vec![vec!["object".to_owned()]];
        rows[0].extend(caches.iter().map(|cache| names[*cache].clone()));
        for (place, object) in OBJECTS.iter().enumerate() {
            let mut sights = self.0.iter().filter(|sight| sight.object == place);
            if !in_full && sights.all(Sight::is_kept) {
                continue;
            }
            let mut row = vec![format!("{}{}", object.host, object.target)];
            row.extend(caches.iter().map(|cache| {
                let seen = |sight: &&Sight| sight.cache == *cache && sight.object == place;
                self.0.iter().find(seen).map(Sight::shown).unwrap_or_default()
            }));
            rows.push(row);
        }
        if rows.len() > 1 {
            report.table(&rows);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight(is_hit: bool, age: u64, number: u64, asked: u64) -> Sight {
        let ids = if is_hit { "5 2" } else { "5" }.to_owned();
        let copy = Copy { is_hit, ids, age, number };
        Sight { cache: 0, object: 0, before: Some(10), copy, asked }
    }

    #[test]
    fn kept_and_dropped_need_every_sign() {
        assert!(sight(true, 3, 10, 0).is_kept());
        assert!(!sight(true, 3, 11, 0).is_kept());
        assert!(!sight(true, 3, 10, 1).is_kept());
        assert!(!sight(false, 0, 10, 0).is_kept());
        assert!(sight(false, 0, 11, 1).is_dropped());
        assert!(!sight(true, 0, 11, 1).is_dropped());
        assert!(!sight(false, 1, 11, 1).is_dropped());
        assert!(!sight(false, 0, 10, 1).is_dropped());
        assert!(!sight(false, 0, 11, 0).is_dropped());
    }

    #[test]
    fn a_copy_too_many_or_too_few_fails() {
        let judged = |sights: Vec<Sight>| {
            let mut report = Report::new(|_| {});
            Sweep(sights).judge(&mut report, &["one".to_owned()], Some(0), true);
            report.has_failures()
        };
        let dropped = sight(false, 0, 11, 1);
        let kept = Sight { object: 1, ..sight(true, 3, 10, 0) };
        assert!(!judged(vec![dropped.clone(), kept.clone()]));
        let too_many = Sight { object: 1, ..dropped.clone() };
        assert!(judged(vec![dropped, too_many]));
        let too_few = Sight { object: 0, ..kept.clone() };
        assert!(judged(vec![too_few, kept]));
        assert!(judged(Vec::new()));
    }
}
