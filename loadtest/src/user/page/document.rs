//! The tree of an HTML page as browsers build it (WHATWG HTML §13.2.6), kept as far as its forms
//! need it. No script runs, and `<noscript>` is text, as in a browser that runs scripts.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};

use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::{
    Attribute, ExpandedName, LocalName, ParseOpts, QualName, local_name, ns, parse_document,
};

/// Chromium too flattens what is nested deeper than 512 elements. Tree construction takes quadratic
/// time without a limit.
const MOST_DEPTH: usize = 512;
/// A small page can make many nodes: each paragraph repeats formatting elements left open.
const MOST_NODES: usize = 1 << 18;
/// The limits are checked after each piece of the page.
const PIECE_BYTES: usize = 4096;

/// The node that holds the whole page.
const ROOT: usize = 0;

/// A page's tree. Nodes are numbers, in the order in which the parser created them.
pub(super) struct Document {
    nodes: Vec<Node>,
    /// The nodes of the page in tree order; the contents of a `<template>` are not among them.
    order: Vec<usize>,
}

/// The page exceeds a limit of this module.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

struct Node {
    /// The local name of an HTML element; empty for every other node.
    name: LocalName,
    attributes: Vec<Attribute>,
    /// Of a text node.
    text: String,
    is_text: bool,
    parent: Option<usize>,
    children: Vec<usize>,
    depth: usize,
    /// The form that was open when the parser created it.
    form: Option<usize>,
    /// What holds the contents of a `<template>`: it has no parent.
    contents: Option<usize>,
}

impl Document {
    /// Parses a decoded page.
    pub(super) fn parse(text: &str) -> Result<Self, TooLarge> {
        let mut parser = parse_document(Sink::new(), ParseOpts::default());
        let mut rest = text;
        while !rest.is_empty() {
            let mut end = rest.len().min(PIECE_BYTES);
            while !rest.is_char_boundary(end) {
                end -= 1;
            }
            let (piece, left) = rest.split_at(end);
            parser.process(StrTendril::from_slice(piece));
            if parser.tokenizer.sink.sink.is_too_large() {
                return Err(TooLarge);
            }
            rest = left;
        }
        let nodes = parser.finish().nodes.into_inner();
        let mut order = Vec::new();
        let mut next = vec![ROOT];
        while let Some(node) = next.pop() {
            order.push(node);
            next.extend(nodes[node].children.iter().rev());
        }
        Ok(Self { nodes, order })
    }

    /// The elements of the page, in tree order.
    pub(super) fn elements(&self) -> impl Iterator<Item = usize> {
        let elements = self.order.iter().copied();
        elements.filter(|node| !self.name(*node).is_empty())
    }

    /// The element's name in lower case; empty where it is no HTML element.
    pub(super) fn name(&self, node: usize) -> &str {
        &self.nodes[node].name
    }

    /// The value of an attribute.
    pub(super) fn attribute(&self, node: usize, name: &str) -> Option<&str> {
        let attributes = self.nodes[node].attributes.iter();
        let mut of_name = attributes.filter(|attribute| *attribute.name.local == *name);
        of_name.next().map(|attribute| &*attribute.value)
    }

    pub(super) fn has(&self, node: usize, attribute: &str) -> bool {
        self.attribute(node, attribute).is_some()
    }

    /// Whether the attribute is this keyword, in any case.
    pub(super) fn is(&self, node: usize, attribute: &str, keyword: &str) -> bool {
        let value = self.attribute(node, attribute);
        value.is_some_and(|value| value.eq_ignore_ascii_case(keyword))
    }

    pub(super) fn parent(&self, node: usize) -> Option<usize> {
        self.nodes[node].parent
    }

    /// The element's ancestors, the nearest first.
    pub(super) fn ancestors(&self, node: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(self.parent(node), |above| self.parent(*above))
    }

    /// The first child of this name.
    pub(super) fn first_child(&self, node: usize, name: &str) -> Option<usize> {
        let mut children = self.nodes[node].children.iter().copied();
        children.find(|child| self.name(*child) == name)
    }

    /// What stands below an element in tree order, without the elements for which `skips` holds and
    /// what is below those.
    pub(super) fn below(&self, node: usize, skips: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut found = Vec::new();
        let mut next: Vec<usize> = self.nodes[node].children.iter().rev().copied().collect();
        while let Some(node) = next.pop() {
            if !skips(node) {
                found.push(node);
                next.extend(self.nodes[node].children.iter().rev());
            }
        }
        found
    }

    /// The text below an element, without that of elements for which `skips` holds.
    pub(super) fn text(&self, node: usize, skips: impl Fn(usize) -> bool) -> String {
        let below = self.below(node, skips).into_iter();
        below.map(|node| self.nodes[node].text.as_str()).collect()
    }

    /// The form that was open when the parser created the element.
    pub(super) fn open_form(&self, node: usize) -> Option<usize> {
        self.nodes[node].form
    }
}

/// What the parser builds the tree in.
struct Sink {
    nodes: RefCell<Vec<Node>>,
    depth: Cell<usize>,
}

/// A node as the parser knows it.
#[derive(Clone)]
struct Handle {
    node: usize,
    name: std::rc::Rc<QualName>,
}

impl Sink {
    fn new() -> Self {
        Self {
            nodes: RefCell::new(vec![Node::nameless()]),
            depth: Cell::new(0),
        }
    }

    fn is_too_large(&self) -> bool {
        self.depth.get() > MOST_DEPTH || self.nodes.borrow().len() > MOST_NODES
    }

    fn add(&self, node: Node) -> usize {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(node);
        nodes.len() - 1
    }

    fn nameless(node: usize) -> Handle {
        let name = QualName::new(None, ns!(), local_name!(""));
        Handle {
            node,
            name: name.into(),
        }
    }

    /// Puts a node or text at a place among the children of `parent`.
    fn insert(&self, parent: usize, place: usize, child: NodeOrText<Handle>) {
        let child = match child {
            NodeOrText::AppendNode(handle) => {
                self.remove(handle.node);
                handle.node
            }
            NodeOrText::AppendText(text) => {
                let mut nodes = self.nodes.borrow_mut();
                let before = place
                    .checked_sub(1)
                    .and_then(|before| nodes[parent].children.get(before).copied());
                if let Some(before) = before
                    && nodes[before].is_text
                {
                    nodes[before].text.push_str(&text);
                    return;
                }
                drop(nodes);
                self.add(Node {
                    text: text.to_string(),
                    is_text: true,
                    ..Node::nameless()
                })
            }
        };
        let mut nodes = self.nodes.borrow_mut();
        let depth = nodes[parent].depth + 1;
        let place = place.min(nodes[parent].children.len());
        nodes[parent].children.insert(place, child);
        nodes[child].parent = Some(parent);
        nodes[child].depth = depth;
        self.depth.set(self.depth.get().max(depth));
    }

    fn remove(&self, node: usize) {
        let mut nodes = self.nodes.borrow_mut();
        if let Some(parent) = nodes[node].parent.take() {
            let siblings = &mut nodes[parent].children;
            if let Some(place) = siblings.iter().rposition(|sibling| *sibling == node) {
                siblings.remove(place);
            }
        }
    }
}

impl Node {
    fn new(name: LocalName, attributes: Vec<Attribute>) -> Self {
        Self {
            name,
            attributes,
            text: String::new(),
            is_text: false,
            parent: None,
            children: Vec::new(),
            depth: 0,
            form: None,
            contents: None,
        }
    }

    /// A node without a name: text, a comment, or what holds other nodes.
    fn nameless() -> Self {
        Self::new(local_name!(""), Vec::new())
    }
}

impl TreeSink for Sink {
    type Handle = Handle;
    type Output = Self;
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) -> Self {
        self
    }

    fn parse_error(&self, _message: Cow<'static, str>) {}

    fn get_document(&self) -> Handle {
        Self::nameless(ROOT)
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> ExpandedName<'a> {
        target.name.expanded()
    }

    fn create_element(&self, name: QualName, attrs: Vec<Attribute>, _: ElementFlags) -> Handle {
        let local = match name.ns {
            ns!(html) => name.local.clone(),
            _ => local_name!(""),
        };
        let node = self.add(Node::new(local, attrs));
        Handle {
            node,
            name: name.into(),
        }
    }

    fn create_comment(&self, _text: StrTendril) -> Handle {
        Self::nameless(self.add(Node::nameless()))
    }

    fn create_pi(&self, _target: StrTendril, _data: StrTendril) -> Handle {
        Self::nameless(self.add(Node::nameless()))
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        self.insert(parent.node, usize::MAX, child);
    }

    fn append_based_on_parent_node(
        &self,
        element: &Handle,
        prev_element: &Handle,
        child: NodeOrText<Handle>,
    ) {
        let has_parent = self.nodes.borrow()[element.node].parent.is_some();
        if has_parent {
            self.append_before_sibling(element, child);
        } else {
            self.append(prev_element, child);
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, target: &Handle) -> Handle {
        let known = self.nodes.borrow()[target.node].contents;
        let contents = known.unwrap_or_else(|| {
            let depth = self.nodes.borrow()[target.node].depth;
            let contents = self.add(Node {
                depth,
                ..Node::nameless()
            });
            self.nodes.borrow_mut()[target.node].contents = Some(contents);
            contents
        });
        Self::nameless(contents)
    }

    fn same_node(&self, x: &Handle, y: &Handle) -> bool {
        x.node == y.node
    }

    fn set_quirks_mode(&self, _mode: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Handle, new_node: NodeOrText<Handle>) {
        if let NodeOrText::AppendNode(handle) = &new_node {
            self.remove(handle.node);
        }
        let found = {
            let nodes = self.nodes.borrow();
            nodes[sibling.node].parent.and_then(|parent| {
                let mut places = nodes[parent].children.iter();
                let place = places.rposition(|child| *child == sibling.node)?;
                Some((parent, place))
            })
        };
        if let Some((parent, place)) = found {
            self.insert(parent, place, new_node);
        }
    }

    fn add_attrs_if_missing(&self, target: &Handle, attrs: Vec<Attribute>) {
        let mut nodes = self.nodes.borrow_mut();
        let known = &mut nodes[target.node].attributes;
        for added in attrs {
            if known.iter().all(|there| there.name != added.name) {
                known.push(added);
            }
        }
    }

    fn associate_with_form(&self, target: &Handle, form: &Handle, _: (&Handle, Option<&Handle>)) {
        self.nodes.borrow_mut()[target.node].form = Some(form.node);
    }

    fn remove_from_parent(&self, target: &Handle) {
        self.remove(target.node);
    }

    fn reparent_children(&self, node: &Handle, new_parent: &Handle) {
        let moved = std::mem::take(&mut self.nodes.borrow_mut()[node.node].children);
        let mut nodes = self.nodes.borrow_mut();
        for child in &moved {
            nodes[*child].parent = Some(new_parent.node);
        }
        nodes[new_parent.node].children.extend(moved);
    }
}
