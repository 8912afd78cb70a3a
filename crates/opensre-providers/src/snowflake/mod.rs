//! Snowflake: query history and tables, through the SQL API.
//!
//! Only a token authenticates there: user and password alone are not enough. The account is spelt
//! `account_identifier`; `account` and SNOWFLAKE_ACCOUNT are read where that is empty.

pub mod declaration;

use crate::driver::Provider;

/// Snowflake.
pub const PROVIDER: Provider = Provider::declared(&declaration::SPEC);
