//! Alerts and the store document.
