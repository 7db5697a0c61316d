//! Which topics a subscription takes in.

/// Whether `topic` is one that a subscription to `filter` delivers (MQTT 5, section 4.7).
pub fn matches(filter: &str, topic: &str) -> bool {
    // A wildcard at the start does not take in what brokers say about themselves.
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let mut topic = topic.split('/');
    for level in filter.split('/') {
        match (level, topic.next()) {
            ("#", _) => return true,
            (_, None) => return false,
            ("+", Some(_)) => {}
            (level, Some(found)) if level == found => {}
            _ => return false,
        }
    }
    topic.next().is_none()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wildcards_follow_the_standard() {
        for (filter, topic) in [
            ("a/b", "a/b"),
            ("a/+", "a/b"),
            ("a/#", "a/b/c"),
            // The standard's own example: `#` takes in the level above it.
            ("a/#", "a"),
            ("#", "a/b"),
            ("+/+", "/b"),
            ("$SYS/#", "$SYS/uptime"),
        ] {
            assert!(matches(filter, topic), "{filter} {topic}");
        }
        for (filter, topic) in
            [("a/b", "a"), ("a/+", "a"), ("a/+", "a/b/c"), ("a", "a/b"), ("#", "$SYS/uptime"), ("+", "/b")]
        {
            assert!(!matches(filter, topic), "{filter} {topic}");
        }
    }

    proptest! {
        #[test]
        fn every_topic_matches_itself_and_everything(topic in "[a-z/]{1,20}") {
            prop_assert!(matches(&topic, &topic));
            prop_assert!(matches("#", &topic));
        }
    }
}
