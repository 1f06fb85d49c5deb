//! What the caches hold: objects whose keys differ in one thing each.

/// An object of a site.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Object {
    /// The site.
    pub(super) host: &'static str,
    /// The target of its request line.
    pub(super) target: &'static str,
}

/// The site whose objects are purged.
pub(super) const SITE: &str = "www.example.test";
/// Another site behind the same caches.
const SHOP: &str = "shop.example.test";

/// A plain path; this and the next are places in [`OBJECTS`].
pub(super) const PLAIN: usize = 0;
/// The plain path with a query.
pub(super) const QUERY: usize = 1;
/// A path whose letters are percent-encoded, in upper case.
pub(super) const ENCODED: usize = 4;
/// A slash that is part of a segment.
pub(super) const ENCODED_SLASH: usize = 6;
/// Two slashes in a row.
pub(super) const DOUBLE_SLASH: usize = 8;
/// The plain path at the other site.
pub(super) const ELSEWHERE: usize = 9;
/// Another plain path.
pub(super) const SECOND: usize = 3;

/// Every object, in every cache.
pub(super) static OBJECTS: [Object; 11] = [
    Object { host: SITE, target: "/products/42" },
    Object { host: SITE, target: "/products/42?color=blue&size=m" },
    Object { host: SITE, target: "/products/42?size=m&color=blue" },
    Object { host: SITE, target: "/products/43" },
    Object { host: SITE, target: "/caf%C3%A9/menu%20du%20jour" },
    Object { host: SITE, target: "/caf%c3%a9/menu%20du%20jour" },
    Object { host: SITE, target: "/files/a%2Fb" },
    Object { host: SITE, target: "/files/a/b" },
    Object { host: SITE, target: "/files//a/b" },
    Object { host: SHOP, target: "/products/42" },
    Object { host: SHOP, target: "/caf%C3%A9/menu%20du%20jour" },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_what_they_say() {
        let shown = |place: usize| (OBJECTS[place].host, OBJECTS[place].target);
        assert_eq!(shown(PLAIN), (SITE, "/products/42"));
        assert_eq!(shown(QUERY), (SITE, "/products/42?color=blue&size=m"));
        assert_eq!(shown(SECOND), (SITE, "/products/43"));
        assert_eq!(shown(ENCODED), (SITE, "/caf%C3%A9/menu%20du%20jour"));
        assert_eq!(shown(ENCODED_SLASH), (SITE, "/files/a%2Fb"));
        assert_eq!(shown(DOUBLE_SLASH), (SITE, "/files//a/b"));
        assert_eq!(shown(ELSEWHERE), (SHOP, "/products/42"));
    }
}
