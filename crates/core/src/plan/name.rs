//! A plan's name, checked before there is a plan: it comes from whoever starts a run, and becomes a key in bucket and table.

/// Whether this can be a plan's name: a letter, then at most 62 lower-case letters, digits and hyphens. A test holds it against the
/// schema's pattern for `metadata.name`.
pub fn is_plan_name(name: &str) -> bool {
    let tail = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.len() <= 63 && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(tail)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::NAME_PATTERN;
    use super::*;

    #[test]
    fn says_the_same_as_the_schema() {
        let schema = json!({ "pattern": NAME_PATTERN });
        let long = "a".repeat(63);
        let too_long = "a".repeat(64);
        let names = ["shop", "a", "shop-2", "", "2shop", "-shop", "Shop", "shop/..", "shöp", "shop ", "shop#1"];
        for name in names.into_iter().chain([long.as_str(), too_long.as_str()]) {
            assert_eq!(is_plan_name(name), jsonschema::is_valid(&schema, &json!(name)), "{name:?}");
        }
        assert!(is_plan_name(&long) && !is_plan_name(&too_long));
    }
}
