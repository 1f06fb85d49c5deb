//! What travels back from those who answer.

/// Parts of answers to one question, on their way to its origin. `M` names a member, `Q` a
/// question, `P` is a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts<M, Q, P> {
    /// Which question.
    pub question: Q,
    /// The parts, equal ones once.
    pub groups: Vec<Group<M, P>>,
}

/// A part, and who gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group<M, P> {
    /// What they said.
    pub part: P,
    /// Whether they have said all with it.
    pub is_last: bool,
    /// Each member, and which of its parts this is: 0, 1, 2, … By the two, whoever gets a part by
    /// several ways tells repetitions.
    pub from: Vec<(M, u8)>,
}
