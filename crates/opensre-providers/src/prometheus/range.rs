//! An expression that a person gives, over the window.

use opensre_model::evidence::{EvidenceData, GapKind, Meaning};
use opensre_model::window::Window;

use super::{api, expression, summary};
use crate::backend::Backend;
use crate::driver::Answer;
use crate::failure::Failure;

/// Asks for an expression over the window.
pub(crate) async fn range(backend: &Backend, operation: &str, query: &str, window: Window) -> Answer {
    let mut answer = Answer::default();
    let answered = if query.len() > expression::LONGEST {
        let reason = format!("the expression is longer than {} bytes", expression::LONGEST);
        Err(Failure::new(GapKind::NotSupported, reason))
    } else {
        api::range(&backend.client, query, &window, api::step_seconds(&window)).await
    };
    match answered {
        Ok(answered) => {
            let (series, cut) = summary::keep_most_changed(answered.series);
            let said = summary::of_series(query, &series, None, &window);
            let data = EvidenceData::Metrics { meaning: Meaning::Other, unit: None, threshold: None, series };
            let mut evidence = backend.evidence(operation, query, window, said, data);
            evidence.truncated = super::notes(cut, answered.odd, &answered.notes);
            answer.evidence.push(evidence);
        }
        Err(failure) => answer.gaps.push(backend.gap(operation, failure)),
    }
    answer
}
