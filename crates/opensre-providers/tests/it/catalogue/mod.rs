//! The declarations: what holds for every provider, what is published about them, what is odd about some, and that no
//! secret shows.

mod canaries;
mod claims;
mod compliance;
mod contract;
mod docs;
mod oddities;
mod support;
