//! What a rumor engine tells its owner.

/// A change in how this node treats an item.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<I, K> {
    /// This node no longer spreads the item. Once for each item that was hot.
    Cooled {
        /// Which item.
        key: K,
        /// What ended it.
        why: Cooled,
    },
    /// No peer that announced the item sent it. A new announcement starts afresh; repair brings
    /// it otherwise.
    FetchAbandoned {
        /// Which item.
        key: K,
        /// Who was asked last.
        from: I,
    },
}

/// Why an item is hot no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cooled {
    /// Its stop rule ended it.
    Rule,
    /// It was hot for [`super::Limits::hot_periods_max`] periods.
    Age,
    /// [`super::Limits::hot_max`] newer items are hot.
    Shed,
}
