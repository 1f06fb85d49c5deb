//! What two participants exchange.

/// What one participant knows of one node: everything up to `max_version` of `generation`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestEntry<I> {
    /// The node whose state it is.
    pub id: I,
    /// Which run of that node; a higher one replaces all of a lower.
    pub generation: u64,
    /// The highest version known.
    pub max_version: u64,
    /// Versions up to here whose tombstones are forgotten, and whose forgotten keys this
    /// participant does not hold. It lets a full replacement continue after a cut.
    pub purged_version: u64,
}

impl<I> DigestEntry<I> {
    /// What one says of a node of which one knows nothing.
    pub fn unknown(id: I) -> Self {
        Self { id, generation: 0, max_version: 0, purged_version: 0 }
    }
}

/// News about one node's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeDelta<I> {
    /// The node whose state it is.
    pub id: I,
    /// Which run of that node.
    pub generation: u64,
    /// Entries follow from here, exclusive. A receiver that knows less cannot apply this delta.
    /// Zero, with a `purged_version` above all that the receiver knows: forget what you have.
    pub from_version: u64,
    /// No key whose deletion has a version up to here is live in this delta; tombstones up to here
    /// may be left out.
    pub purged_version: u64,
    /// In strictly ascending version order, without gaps in what the sender holds.
    pub entries: Vec<Entry>,
    /// The version the receiver holds after this delta: that of the last entry, or the node's
    /// maximum when nothing was cut (the highest versions may have been overwritten or purged).
    pub max_version: u64,
}

/// One key's newest value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub key: String,
    /// Its value; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
    /// When it was written, in the owner's count of writes.
    pub version: u64,
}
