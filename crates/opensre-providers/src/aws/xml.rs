//! The XML answers of the Query protocol, as a tree of elements.
//!
//! Attributes and namespaces carry nothing there and are dropped. Depth is bounded, so that no answer exhausts the stack.

use jiff::Timestamp;
use quick_xml::Reader;
use quick_xml::events::Event;

/// Deeper elements than this are no answer of AWS.
const DEEPEST: usize = 64;

/// An element: its name, its text, its children in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// Local name.
    pub name: String,
    /// Text, trimmed; empty where there are only children.
    pub text: String,
    /// Child elements.
    pub children: Vec<Node>,
}

/// The text is no well-formed XML document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("answered with something that is not XML")]
pub struct NotXml;

impl Node {
    /// Reads a document: its root element.
    pub fn parse(text: &str) -> Result<Self, NotXml> {
        let mut reader = Reader::from_str(text);
        let mut open: Vec<Self> = vec![Self::default()];
        loop {
            match reader.read_event().map_err(|_| NotXml)? {
                Event::Start(start) => {
                    if open.len() > DEEPEST {
                        return Err(NotXml);
                    }
                    open.push(Self::named(start.local_name().as_ref()));
                }
                Event::Empty(empty) => {
                    let node = Self::named(empty.local_name().as_ref());
                    open.last_mut().ok_or(NotXml)?.children.push(node);
                }
                Event::End(_) => {
                    let mut node = open.pop().ok_or(NotXml)?;
                    node.text = node.text.trim().into();
                    open.last_mut().ok_or(NotXml)?.children.push(node);
                }
                Event::Text(text) => {
                    let text = text.decode().map_err(|_| NotXml)?;
                    open.last_mut().ok_or(NotXml)?.text.push_str(&text);
                }
                Event::CData(data) => {
                    let text = data.decode().map_err(|_| NotXml)?;
                    open.last_mut().ok_or(NotXml)?.text.push_str(&text);
                }
                Event::GeneralRef(reference) => {
                    let resolved = reference.resolve_char_ref().map_err(|_| NotXml)?;
                    let named = reference.decode().map_err(|_| NotXml)?;
                    let node = open.last_mut().ok_or(NotXml)?;
                    match resolved {
                        Some(character) => node.text.push(character),
                        None => node.text.push_str(quick_xml::escape::resolve_predefined_entity(&named).ok_or(NotXml)?),
                    }
                }
                Event::Eof => break,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            }
        }
        let [document] = open.as_mut_slice() else { return Err(NotXml) };
        document.children.drain(..).next().ok_or(NotXml)
    }

    fn named(name: &[u8]) -> Self {
        Self { name: String::from_utf8_lossy(name).into_owned(), ..Self::default() }
    }

    /// A child by its name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// A descendant by a path of names with `/` between.
    pub fn at(&self, path: &str) -> Option<&Self> {
        path.split('/').try_fold(self, |node, name| node.child(name))
    }

    /// The text of a descendant, if it is not empty.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.at(path).map(|node| node.text.as_str()).filter(|text| !text.is_empty())
    }

    /// The elements of a list: the children of a descendant (`member`, `item`, or of a name of their own).
    pub fn list(&self, path: &str) -> &[Self] {
        self.at(path).map(|node| node.children.as_slice()).unwrap_or_default()
    }

    /// A number.
    pub fn number(&self, path: &str) -> Option<f64> {
        self.text(path)?.parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// A boolean.
    pub fn boolean(&self, path: &str) -> Option<bool> {
        self.text(path)?.parse().ok()
    }

    /// A time (ISO 8601).
    pub fn time(&self, path: &str) -> Option<Timestamp> {
        self.text(path)?.parse().ok()
    }

    /// The first descendant of a name, at any depth: errors are wrapped differently by every service.
    pub fn find(&self, name: &str) -> Option<&Self> {
        self.children.iter().find_map(|child| if child.name == name { Some(child) } else { child.find(name) })
    }
}
