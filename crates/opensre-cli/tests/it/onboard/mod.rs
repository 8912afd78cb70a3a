//! `opensre onboard` and the questions of `integrations add`: in a real terminal, and by flags alone.

mod by_flags;
mod leaving;
mod screens;
mod terminal;
