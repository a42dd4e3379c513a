//! One form of a page: its controls, and the entry list that a browser constructs of them (WHATWG HTML
//! §4.10.21.4, "constructing the entry list").

use std::collections::HashMap;

use super::direction::is_right_to_left;
use super::document::Document;
use super::sanitized::sanitized;

/// A form and its controls, in tree order.
pub(super) struct Form<'d> {
    document: &'d Document,
    /// None for the controls that no form owns.
    pub(super) node: Option<usize>,
    controls: Vec<Control>,
}

/// A control that is not within a `<datalist>`.
struct Control {
    node: usize,
    kind: Kind,
    /// A disabled one is not sent, but can be the checked radio button of its group.
    is_disabled: bool,
    /// Empty without a name.
    name: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It sends its value.
    Text,
    /// A checkbox or a radio button.
    Checkable,
    Select,
    File,
    /// A submit button.
    Submit,
    Image,
}

/// An entry of a form's entry list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    /// None for the empty file of a file control.
    pub(super) value: Option<String>,
}

/// What a form sends.
pub(super) struct Filled {
    pub(super) entries: Vec<Entry>,
    /// The button that was pressed.
    pub(super) submitter: Option<usize>,
}

/// What a step's fields do with the controls of a form.
#[derive(Default)]
struct Input {
    /// Values by control; a checkbox or radio button that has one is checked.
    values: HashMap<usize, String>,
    submitter: Option<usize>,
    /// Where an image button was pressed.
    x: Option<String>,
    y: Option<String>,
    /// Fields that no control takes.
    others: Vec<(String, String)>,
}

/// The page's forms in tree order, and at the end the controls that no form owns.
pub(super) fn forms(document: &Document) -> Vec<Form<'_>> {
    let mut forms: Vec<Form<'_>> = Vec::new();
    let mut places = HashMap::new();
    let mut ids = HashMap::new();
    for node in document.elements() {
        if document.name(node) == "form" {
            places.insert(node, forms.len());
            forms.push(Form {
                document,
                node: Some(node),
                controls: Vec::new(),
            });
        }
        if let Some(id) = document.attribute(node, "id") {
            ids.entry(id).or_insert(node);
        }
    }
    let mut outside = Form {
        document,
        node: None,
        controls: Vec::new(),
    };
    for node in document.elements() {
        if let Some(kind) = kind(document, node) {
            let owner = owner(document, node, &ids);
            let form = owner.and_then(|form| places.get(&form)).copied();
            let form = form.map_or(&mut outside, |place| &mut forms[place]);
            form.controls.push(Control {
                node,
                kind,
                is_disabled: is_disabled(document, node),
                name: document
                    .attribute(node, "name")
                    .unwrap_or_default()
                    .to_owned(),
            });
        }
    }
    forms.push(outside);
    forms
}

fn kind(document: &Document, node: usize) -> Option<Kind> {
    let is_type = |keyword| document.is(node, "type", keyword);
    let kind = match document.name(node) {
        "select" => Kind::Select,
        "button" | "input" if is_type("reset") || is_type("button") => return None,
        "button" => Kind::Submit,
        "input" if is_type("submit") => Kind::Submit,
        "input" if is_type("image") => Kind::Image,
        "input" if is_type("checkbox") || is_type("radio") => Kind::Checkable,
        "input" if is_type("file") => Kind::File,
        "input" | "textarea" => Kind::Text,
        _ => return None,
    };
    let mut above = document.ancestors(node);
    let in_datalist = above.any(|node| document.name(node) == "datalist");
    (!in_datalist).then_some(kind)
}

/// Whether it or a fieldset around it is disabled, except in the fieldset's first legend.
fn is_disabled(document: &Document, node: usize) -> bool {
    let mut below = node;
    document.has(node, "disabled")
        || document.ancestors(node).any(|above| {
            let came_from = std::mem::replace(&mut below, above);
            document.name(above) == "fieldset"
                && document.has(above, "disabled")
                && document.first_child(above, "legend") != Some(came_from)
        })
}

/// The form owner: by the `form` attribute, else the form open at the control, else the nearest around it.
fn owner(document: &Document, node: usize, ids: &HashMap<&str, usize>) -> Option<usize> {
    let is_form = |node: &usize| document.name(*node) == "form";
    match document.attribute(node, "form") {
        Some(id) => ids.get(id).copied().filter(is_form),
        None => document
            .open_form(node)
            .or_else(|| document.ancestors(node).find(is_form)),
    }
}

impl Form<'_> {
    /// Whether a control of this name can be filled or pressed.
    pub(super) fn has(&self, name: &str) -> bool {
        let mut controls = self.enabled();
        controls.any(|control| control.name == name) || self.image_at(name).is_some()
    }

    fn enabled(&self) -> impl Iterator<Item = &Control> {
        self.controls.iter().filter(|control| !control.is_disabled)
    }

    /// The entry list after a person has filled in these fields, and pressed the button that one of
    /// them names; without such a field no button is pressed. `charset` is the value of `_charset_`.
    pub(super) fn fill(&self, fields: &[(&str, String)], charset: &str) -> Result<Filled, String> {
        let mut input = Input::default();
        for (name, value) in fields {
            self.take(&mut input, name, value)?;
        }
        let mut entries = Vec::new();
        let checked = self.checked(&input);
        for control in self.enabled() {
            self.enter(control, &input, &checked, charset, &mut entries);
        }
        for (name, value) in input.others {
            match entries.iter_mut().find(|entry| entry.name == name) {
                Some(entry) => entry.value = Some(value),
                None => entries.push(Entry {
                    name,
                    value: Some(value),
                }),
            }
        }
        Ok(Filled {
            entries,
            submitter: input.submitter,
        })
    }

    /// Finds the control that a step's field fills in, chooses or presses: the one that has exactly this
    /// value to choose, else the first of the name.
    fn take(&self, input: &mut Input, name: &str, value: &str) -> Result<(), String> {
        let of_name = || {
            let controls = self.enabled();
            controls.filter(|control| control.name == name && !name.is_empty())
        };
        let free = |control: &&Control| {
            !input.values.contains_key(&control.node)
                && (!control.is_button() || input.submitter.is_none())
        };
        let control = of_name()
            .filter(free)
            .find(|control| self.offers(control, value))
            .or_else(|| of_name().filter(free).find(|control| !control.is_button()))
            .or_else(|| {
                of_name()
                    .filter(free)
                    .find(|control| control.kind == Kind::Submit)
            });
        let Some(control) = control else {
            match self.image_at(name) {
                Some((image, is_x)) if input.submitter.is_none_or(|node| node == image) => {
                    input.submitter = Some(image);
                    let place = if is_x { &mut input.x } else { &mut input.y };
                    *place = Some(value.to_owned());
                }
                _ => input.others.push((name.to_owned(), value.to_owned())),
            }
            return Ok(());
        };
        match control.kind {
            Kind::File => {
                return Err(format!(
                    "field `{name}` of the page's form takes a file, and files are not sent"
                ));
            }
            Kind::Submit | Kind::Image => input.submitter = Some(control.node),
            Kind::Checkable | Kind::Text | Kind::Select => {}
        }
        input.values.insert(control.node, value.to_owned());
        Ok(())
    }

    /// Whether the value is one of those that the control lets people choose.
    fn offers(&self, control: &Control, value: &str) -> bool {
        let own = |without: &'static str| {
            let own = self.document.attribute(control.node, "value");
            own.unwrap_or(without) == value
        };
        match control.kind {
            Kind::Checkable => own("on"),
            Kind::Submit => own(""),
            Kind::Select => {
                let mut options = self.options(control.node).into_iter();
                options.any(|option| self.option_value(option) == value)
            }
            Kind::Text | Kind::File | Kind::Image => false,
        }
    }

    /// The image button of which `name` is a coordinate, and whether it is the horizontal one.
    fn image_at(&self, name: &str) -> Option<(usize, bool)> {
        let (image, axis) = name.rsplit_once('.').unwrap_or(("", name));
        let is_x = match axis {
            "x" => true,
            "y" => false,
            _ => return None,
        };
        let mut controls = self.enabled();
        let image =
            controls.find(|control| control.kind == Kind::Image && control.name == image)?;
        Some((image.node, is_x))
    }

    /// The checked radio button of each group, by name: the one that a step has chosen, else the last one
    /// with `checked`, also where that one is disabled.
    fn checked(&self, input: &Input) -> HashMap<&str, usize> {
        let mut checked = HashMap::new();
        let has_checked = |node| self.document.has(node, "checked");
        let is_chosen = |node| input.values.contains_key(&node);
        for checks in [&has_checked as &dyn Fn(usize) -> bool, &is_chosen] {
            for Control { node, name, .. } in &self.controls {
                if self.document.is(*node, "type", "radio") && checks(*node) {
                    checked.insert(name.as_str(), *node);
                }
            }
        }
        checked
    }

    fn enter(
        &self,
        control: &Control,
        input: &Input,
        checked: &HashMap<&str, usize>,
        charset: &str,
        entries: &mut Vec<Entry>,
    ) {
        let document = self.document;
        let Control {
            node, kind, name, ..
        } = control;
        let given = input.values.get(node);
        let own = |without: &str| {
            let own = document.attribute(*node, "value").unwrap_or(without);
            given.map_or_else(|| own.to_owned(), Clone::clone)
        };
        let mut enter = |name: String, value: Option<String>| entries.push(Entry { name, value });
        if control.is_button() && input.submitter != Some(*node) {
            return;
        }
        if *kind == Kind::Image {
            let prefix = if name.is_empty() {
                String::new()
            } else {
                format!("{name}.")
            };
            for (axis, place) in [("x", &input.x), ("y", &input.y)] {
                let place = place.as_deref().unwrap_or("0");
                enter(format!("{prefix}{axis}"), Some(place.to_owned()));
            }
            return;
        }
        if name.is_empty() {
            return;
        }
        let mut value = match kind {
            Kind::Select => {
                let chosen = match given {
                    Some(given) => vec![given.clone()],
                    None => self.chosen(*node),
                };
                for value in chosen {
                    enter(name.clone(), Some(value));
                }
                return;
            }
            Kind::File => return enter(name.clone(), None),
            Kind::Checkable => {
                let is_checked = if document.is(*node, "type", "radio") {
                    checked.get(name.as_str()) == Some(node)
                } else {
                    given.is_some() || document.has(*node, "checked")
                };
                if !is_checked {
                    return;
                }
                own("on")
            }
            Kind::Submit => own(""),
            Kind::Text if document.name(*node) == "textarea" => {
                given.map_or_else(|| document.text(*node, |_| false), Clone::clone)
            }
            Kind::Text => match given {
                Some(given) => given.clone(),
                None => sanitized(document, *node),
            },
            Kind::Image => return,
        };
        if given.is_none()
            && document.is(*node, "type", "hidden")
            && document.name(*node) == "input"
            && name.eq_ignore_ascii_case("_charset_")
        {
            charset.clone_into(&mut value);
        }
        let direction = document
            .attribute(*node, "dirname")
            .filter(|name| !name.is_empty());
        let direction = direction.filter(|_| self.has_direction(*node)).map(|name| {
            let is_rtl = is_right_to_left(document, *node, &value);
            (name.to_owned(), if is_rtl { "rtl" } else { "ltr" })
        });
        enter(name.clone(), Some(value));
        if let Some((name, direction)) = direction {
            enter(name, Some(direction.to_owned()));
        }
    }

    /// Whether it is an "auto-directionality form-associated element".
    fn has_direction(&self, node: usize) -> bool {
        const WITHOUT: [&str; 10] = [
            "date",
            "month",
            "week",
            "time",
            "datetime-local",
            "number",
            "range",
            "color",
            "checkbox",
            "radio",
        ];
        let is_type = |keyword: &&str| self.document.is(node, "type", keyword);
        match self.document.name(node) {
            "textarea" => true,
            "input" => !WITHOUT.iter().any(is_type),
            _ => false,
        }
    }

    /// The options of a `<select>`, in tree order.
    fn options(&self, select: usize) -> Vec<usize> {
        let document = self.document;
        let within = document.below(select, |node| {
            matches!(document.name(node), "select" | "datalist")
        });
        let options = within.into_iter();
        options
            .filter(|node| document.name(*node) == "option")
            .collect()
    }

    /// The values of the selected options of a `<select>` that nobody has touched.
    fn chosen(&self, select: usize) -> Vec<String> {
        let document = self.document;
        let is_enabled = |option: &usize| {
            let mut above = document
                .ancestors(*option)
                .take_while(|node| *node != select);
            let group = above.find(|node| document.name(*node) == "optgroup");
            !document.has(*option, "disabled")
                && !group.is_some_and(|group| document.has(group, "disabled"))
        };
        let options = self.options(select);
        let mut selected: Vec<usize> = options.clone();
        selected.retain(|option| document.has(*option, "selected"));
        if !document.has(select, "multiple") {
            // Of several that are selected the last one is.
            selected.drain(..selected.len().saturating_sub(1));
            if selected.is_empty() && self.is_drop_down(select) {
                selected.extend(options.into_iter().find(is_enabled));
            }
        }
        let selected = selected.into_iter().filter(is_enabled);
        selected.map(|option| self.option_value(option)).collect()
    }

    /// Whether its display size is 1. The standard takes a `size` of 0 as it is written; browsers take it as 1.
    fn is_drop_down(&self, select: usize) -> bool {
        let size = self.document.attribute(select, "size").unwrap_or_default();
        let size = size.trim_start_matches(|c: char| c.is_ascii_whitespace());
        let size = size.strip_prefix('+').unwrap_or(size);
        let end = size
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(size.len());
        let size = size[..end].trim_start_matches('0');
        size.is_empty() || size == "1"
    }

    fn option_value(&self, option: usize) -> String {
        if let Some(value) = self.document.attribute(option, "value") {
            return value.to_owned();
        }
        let is_script = |node| self.document.name(node) == "script";
        let text = self.document.text(option, is_script);
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        words.join(" ")
    }
}

impl Control {
    fn is_button(&self) -> bool {
        matches!(self.kind, Kind::Submit | Kind::Image)
    }
}
