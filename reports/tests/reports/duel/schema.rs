//! `duel.schema.json` and a duel's JSON say the same.

use std::sync::LazyLock;

use authlab_reports::duel::Duel;
use serde_json::{Value, json};

use super::cases;

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../duel.schema.json")).unwrap()
}

fn faults(duel: &Value) -> Vec<String> {
    static VALIDATOR: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
        jsonschema::meta::validate(&schema()).unwrap();
        jsonschema::draft202012::new(&schema()).unwrap()
    });
    VALIDATOR
        .iter_errors(duel)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect()
}

fn as_json(duel: &Duel) -> Value {
    serde_json::from_str(&duel.json().unwrap()).unwrap()
}

/// A duel in which everything that can be there is.
fn whole() -> Value {
    let of = |name: &str| {
        let mut all = cases::all().into_iter();
        as_json(&all.find(|(case, _)| *case == name).unwrap().1)
    };
    let mut whole = of("several-steps");
    whole["instructions"] = of("instructions-slower")["instructions"].clone();
    whole["base"]["beside"] = json!([{ "name": "redis", "target": "redis-server --port 6379" }]);
    whole["blocks"] = of("set-aside")["blocks"].clone();
    assert_eq!(faults(&whole), Vec::<String>::new());
    whole
}

/// Objects of the format: where they are, and their optional fields.
const OBJECTS: [(&str, &[&str]); 12] = [
    ("", &["instructions"]),
    ("/base", &["beside"]),
    ("/base/beside/0", &[]),
    ("/head", &[]),
    ("/rows/0", &["step", "counts"]),
    ("/rows/2", &["step", "counts"]),
    ("/rows/0/role", &[]),
    ("/rows/0/interval", &[]),
    ("/information/0", &["step", "counts"]),
    ("/information/0/role/because", &[]),
    ("/blocks", &["because"]),
    ("/quality", &[]),
];

#[test]
fn duels_of_every_kind_are_valid() {
    let mut all = cases::all();
    all.extend([("hostile", cases::hostile()), ("huge", cases::huge())]);
    for (name, duel) in all {
        assert_eq!(faults(&as_json(&duel)), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn an_unknown_field_is_refused() {
    for (place, _) in OBJECTS.iter().chain(&[("/instructions", &[] as &[&str])]) {
        let mut duel = whole();
        duel.pointer_mut(place).unwrap()["surprise"] = json!(1);
        assert!(!faults(&duel).is_empty(), "{place}");
    }
}

#[test]
fn every_field_that_is_always_there_is_required() {
    for (place, optional) in OBJECTS.iter().chain(&[("/instructions", &[] as &[&str])]) {
        let whole = whole();
        let fields = whole.pointer(place).unwrap().as_object().unwrap().keys();
        for field in fields {
            let mut duel = whole.clone();
            let object = duel.pointer_mut(place).unwrap().as_object_mut().unwrap();
            object.remove(field);
            let is_optional = optional.contains(&field.as_str());
            assert_eq!(faults(&duel).is_empty(), is_optional, "{place}/{field}");
        }
    }
}

#[test]
fn every_field_says_what_it_is() {
    let mut undescribed = Vec::new();
    each_property(&schema(), "", &mut |place, property| {
        let described = property.get("description").or(property.get("$ref"));
        if described.is_none() && property.get("const").is_none() {
            undescribed.push(place.to_owned());
        }
    });
    assert_eq!(undescribed, Vec::<String>::new());
}

fn each_property(schema: &Value, place: &str, told: &mut impl FnMut(&str, &Value)) {
    for (key, value) in schema.as_object().into_iter().flatten() {
        if key == "properties" {
            for (name, property) in value.as_object().unwrap() {
                told(&format!("{place}/{name}"), property);
                each_property(property, &format!("{place}/{name}"), told);
            }
        } else if let Some(several) = value.as_array() {
            for one in several {
                each_property(one, &format!("{place}/{key}"), told);
            }
        } else {
            each_property(value, &format!("{place}/{key}"), told);
        }
    }
}
