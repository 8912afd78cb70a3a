//! Apache Airflow: runs and task instances of DAGs, and their logs.
//!
//! A bearer token, or user name and password; where both are set the token is used. A base URL without an API path
//! gets `/api/v1`; Airflow 3 answers under `/api/v2`.

pub mod declaration;

use crate::driver::Provider;

/// Apache Airflow.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
