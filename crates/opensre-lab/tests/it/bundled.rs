//! The bundled scenarios.
