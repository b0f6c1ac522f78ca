//! The second reading of a plan: its shape, held against the published schema, told in words for whoever mistyped.
//!
//! Messages follow the path as the end of a sentence: `/policy/quorum: must be at least 1, is 0`.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

use super::{PlanProblem, json_schema};

static SCHEMA: LazyLock<Value> = LazyLock::new(json_schema);
static VALIDATOR: LazyLock<Result<Validator, String>> =
    LazyLock::new(|| jsonschema::validator_for(&SCHEMA).map_err(|error| error.to_string()));

/// The field that tells the kinds of a component or signal apart.
const TAG: &str = "kind";
/// How much of a given value is repeated in a message.
const SHOWN_CHARACTERS_MAX: usize = 60;

/// Everything that is wrong with the shape, sorted by path.
pub(super) fn problems(value: &Value) -> Vec<PlanProblem> {
    let validator = match VALIDATOR.as_ref() {
        Ok(validator) => validator,
        Err(error) => return vec![PlanProblem::new("", format!("our own schema does not hold: {error}"))],
    };
    let mut found = Found::default();
    for error in validator.iter_errors(value) {
        explain(&error, &mut found);
    }
    fractions(value, "", &mut found.problems);
    // A missing field that stands there mistyped is one mistake, told once: at the mistyped name.
    let missing =
        found.missing.iter().filter(|(path, field)| !found.suggested.contains(&(path.clone(), field.clone())));
    found.problems.extend(missing.map(|(path, field)| PlanProblem::new(join(path, field), "is missing")));
    found.problems.into_iter().collect()
}

#[derive(Default)]
struct Found {
    problems: BTreeSet<PlanProblem>,
    /// Block and field.
    missing: BTreeSet<(String, String)>,
    /// Block and the field an unknown one was taken for.
    suggested: BTreeSet<(String, String)>,
}

fn explain(error: &ValidationError<'_>, found: &mut Found) {
    let path = error.instance_path().to_string();
    match error.kind() {
        Kind::OneOfNotValid { context } | Kind::AnyOf { context } => explain_choice(error, context, found),
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            unknown_fields(error, unexpected, found);
        }
        Kind::Required { property } => {
            found.missing.insert((path, text(property)));
        }
        _ => {
            found.problems.insert(PlanProblem::new(path, message(error)));
        }
    }
}

/// None of several shapes fits. Where a `kind` tells them apart, what is wrong with the *named* kind is what the author wants to
/// know; that no other kind fits either is noise.
fn explain_choice(error: &ValidationError<'_>, context: &[Vec<ValidationError<'static>>], found: &mut Found) {
    let path = error.instance_path().to_string();
    let branches = schema_beside(error, None).and_then(|schema| schema.as_array().cloned()).unwrap_or_default();
    let kinds: Vec<String> =
        branches.iter().filter_map(|b| b.pointer(&format!("/properties/{TAG}/const"))).map(text).collect();
    if kinds.is_empty() {
        let words: Vec<String> = branches.iter().filter_map(|b| b.get("const")).map(text).collect();
        found.problems.insert(PlanProblem::new(path, wrong_word(&words, error.instance())));
        return;
    }
    let given = error.instance().as_object().map(|fields| fields.get(TAG));
    let problem = match given {
        None => PlanProblem::new(path, format!("must be a block with `{TAG}`, is {}", shown(error.instance()))),
        Some(None) => PlanProblem::new(join(&path, TAG), format!("is missing; the kinds are {}", kinds.join(", "))),
        Some(Some(kind)) => match kinds.iter().position(|known| kind.as_str() == Some(known)) {
            Some(branch) => {
                context.get(branch).into_iter().flatten().for_each(|e| explain(e, found));
                return;
            }
            None => PlanProblem::new(join(&path, TAG), wrong_word(&kinds, kind)),
        },
    };
    found.problems.insert(problem);
}

fn unknown_fields(error: &ValidationError<'_>, unexpected: &[String], found: &mut Found) {
    let path = error.instance_path().to_string();
    let known: Vec<String> = schema_beside(error, Some("properties"))
        .and_then(|properties| properties.as_object().map(|fields| fields.keys().cloned().collect()))
        .unwrap_or_default();
    for field in unexpected {
        let message = match nearest(field, known.iter()) {
            Some(meant) => {
                found.suggested.insert((path.clone(), meant.clone()));
                format!("is not a field of this block; did you mean `{meant}`?")
            }
            None => format!("is not a field of this block; its fields are {}", known.join(", ")),
        };
        found.problems.insert(PlanProblem::new(join(&path, field), message));
    }
}

/// The part of the schema the error comes from, or what stands beside it.
fn schema_beside(error: &ValidationError<'_>, beside: Option<&str>) -> Option<&'static Value> {
    let place = error.schema_path().to_string();
    match beside {
        None => SCHEMA.pointer(&place),
        Some(keyword) => SCHEMA.pointer(place.rsplit_once('/')?.0)?.get(keyword),
    }
}

fn wrong_word(words: &[String], given: &Value) -> String {
    let must = match words {
        [only] => format!("must be `{only}`"),
        several => format!("must be one of {}", several.join(", ")),
    };
    let meant = given.as_str().and_then(|given| nearest(given, words.iter()));
    let hint = meant.filter(|_| words.len() > 1).map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
    format!("{must}, is {}{hint}", shown(given))
}

fn message(error: &ValidationError<'_>) -> String {
    let given = shown(error.instance());
    match error.kind() {
        Kind::Type { kind } => format!("must be {}, is {given}", type_in_words(kind)),
        Kind::Minimum { limit } => format!("must be at least {limit}, is {given}"),
        Kind::Maximum { limit } => format!("must be at most {limit}, is {given}"),
        Kind::MinLength { .. } => "must not be empty".to_owned(),
        Kind::MaxLength { limit } => format!("must have at most {limit} characters, has more: {given}"),
        Kind::MinItems { .. } => "is empty".to_owned(),
        Kind::MaxItems { limit } => format!("must have at most {limit} entries"),
        Kind::Constant { expected_value } => wrong_word(&[text(expected_value)], error.instance()),
        Kind::Enum { options } => {
            let words: Vec<String> = options.as_array().into_iter().flatten().map(text).collect();
            wrong_word(&words, error.instance())
        }
        Kind::Pattern { pattern } => format!("must be {}, is {given}", pattern_in_words(pattern)),
        // The words of the library serve for what the schema does not use today.
        _ => error.to_string(),
    }
}

fn type_in_words(kind: &TypeKind) -> String {
    let word = |name: String| match name.as_str() {
        "string" => "a text".to_owned(),
        "integer" => "a whole number".to_owned(),
        "object" => "a block of fields".to_owned(),
        "array" => "a list".to_owned(),
        "boolean" => "true or false".to_owned(),
        "null" => "null".to_owned(),
        other => format!("a {other}"),
    };
    match kind {
        TypeKind::Single(one) => word(one.to_string()),
        TypeKind::Multiple(set) => set.iter().map(|one| word(one.to_string())).collect::<Vec<_>>().join(" or "),
    }
}

fn pattern_in_words(pattern: &str) -> String {
    match pattern {
        super::REGION_PATTERN => "a Region such as ap-southeast-1".to_owned(),
        super::NAME_PATTERN => "lower-case letters, digits and hyphens, a letter first, 63 at most".to_owned(),
        super::LABEL_PATTERN => "1 to 64 letters, digits, dots, hyphens, underscores or spaces".to_owned(),
        super::ARN_PATTERN => "an ARN such as arn:aws:rds:ap-southeast-1:111122223333:db:orders".to_owned(),
        super::BUCKET_PATTERN => "a bucket's name: 3 to 63 lower-case letters, digits, dots and hyphens".to_owned(),
        other => format!("a text like {other}"),
    }
}

/// The schema takes `300.0` for a whole number, the types do not; no field of a plan is a fraction, but for bodies of the owners'.
fn fractions(value: &Value, path: &str, problems: &mut BTreeSet<PlanProblem>) {
    match value {
        // What is no number field at all was told already.
        Value::Number(number) if number.is_f64() && !problems.iter().any(|told| told.path == path) => {
            problems.insert(PlanProblem::new(path, format!("must be a whole number, is {number}")));
        }
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                fractions(item, &join(path, &i.to_string()), problems);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields.iter().filter(|(name, _)| !matches!(name.as_str(), "jsonBody" | "payload")) {
                fractions(field, &join(path, name), problems);
            }
        }
        _ => {}
    }
}

fn nearest<'a>(given: &str, known: impl Iterator<Item = &'a String>) -> Option<&'a String> {
    let given = given.to_lowercase();
    known
        .map(|name| (strsim::normalized_damerau_levenshtein(&given, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= 0.6)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

/// A JSON pointer one step further down.
fn join(path: &str, field: &str) -> String {
    format!("{path}/{}", field.replace('~', "~0").replace('/', "~1"))
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn shown(value: &Value) -> String {
    match value {
        Value::Object(_) => "a block of fields".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        other => {
            let whole = other.to_string();
            let mut shown: String = whole.chars().take(SHOWN_CHARACTERS_MAX).collect();
            if shown.len() < whole.len() {
                shown.push('…');
            }
            shown
        }
    }
}
