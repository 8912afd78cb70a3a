//! Bounds of rows, bytes, pages and time hold, and what was cut is said.

use opensre_lab::front::Failing;
use opensre_lab::vendors::postgresql::Fault;
use opensre_model::evidence::EvidenceData;
use opensre_providers::driver::Answer;

use super::asking::{AMPLE, access, ask, questions};
use super::scene::Scene;
use super::server::Server;
use super::table::TABLE;
use super::walk;

/// Rows of the longest list of an answer. Of metrics, each series has its points, and the series are a list too.
fn rows(data: &EvidenceData) -> usize {
    match data {
        EvidenceData::Metrics { series, .. } => {
            series.iter().map(|one| one.points.len()).chain([series.len()]).max().unwrap_or(0)
        }
        EvidenceData::Logs { lines } => lines.len(),
        EvidenceData::Events { events } => events.len(),
        EvidenceData::Spans { spans } => spans.len(),
        EvidenceData::States { states } => states.len(),
    }
}

/// Rows of all evidence; of metrics the series, since points of one time are one.
fn kept(answer: &Answer) -> usize {
    let kept = |data: &EvidenceData| match data {
        EvidenceData::Metrics { series, .. } => series.len(),
        other => rows(other),
    };
    answer.evidence.iter().map(|evidence| kept(&evidence.data)).sum()
}

fn says_so(answer: &Answer) -> bool {
    !answer.gaps.is_empty() || answer.evidence.iter().any(|evidence| evidence.truncated.is_some())
}

/// Every list of every answer has thousands of items.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_huge_answer_is_cut_and_the_cut_is_said() {
    const MANY: usize = 3_000;
    let scene = &Scene::start().await;
    let cases = TABLE.iter().flat_map(|row| questions(row, scene).into_iter().map(move |asked| (row, asked)));
    walk(cases.map(|(row, (query, input))| async move {
        let folder = tempfile::tempdir().expect("a folder");
        let case = format!("{} {}", row.key, query.name);
        let of = async |items: Option<usize>| {
            let (how, fault) =
                items.map_or((None, Fault::None), |many| (Some(Failing::Swollen(many)), Fault::Huge(many)));
            let server = Server::failing(row, scene, how, fault).await;
            ask(&access(row, &server.place("prod", folder.path()), AMPLE), query, &input).await
        };
        let (usual, answer) = match (of(None).await, of(Some(MANY)).await) {
            (Ok(usual), Ok(answer)) => (kept(&usual), answer),
            (usual, answer) => return vec![format!("{case}: {:?}", [usual.err(), answer.err()])],
        };
        let mut offences = Vec::new();
        // Where of half as many just as much is kept, it was cut.
        if kept(&answer) > usual && !says_so(&answer) {
            let half = of(Some(MANY / 2)).await.map(|half| kept(&half));
            if half.is_ok_and(|half| half == kept(&answer)) {
                let kept = kept(&answer);
                offences
                    .push(format!("{case}: {kept} rows are kept of ever more, and nothing says that others are cut"));
            }
        }
        for evidence in &answer.evidence {
            let rows = rows(&evidence.data);
            if rows > query.bounds.rows {
                let bound = query.bounds.rows;
                offences.push(format!("{case}: {rows} rows, more than {bound}: {}", evidence.summary));
            }
        }
        if answer.evidence.is_empty() && answer.gaps.is_empty() {
            offences.push(format!("{case}: nothing, and no gap"));
        }
        offences
    }))
    .await;
}

/// There is always one more page.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_without_end_are_given_up_and_that_is_said() {
    /// Far more than any query needs; one that follows pages for ever comes here quickly.
    const MOST_REQUESTS: usize = 150;
    let scene = &Scene::start().await;
    let cases = TABLE.iter().filter_map(|row| Some((row, row.one_more_page?)));
    let cases = cases.flat_map(|(row, more)| questions(row, scene).into_iter().map(move |asked| (row, more, asked)));
    walk(cases.map(|(row, more, (query, input))| async move {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Server::failing(row, scene, Some(Failing::Altered(more())), Fault::None).await;
        let case = format!("{} {}", row.key, query.name);
        match ask(&access(row, &server.place("prod", folder.path()), AMPLE), query, &input).await {
            Err(offence) => vec![format!("{case}: {offence}")],
            Ok(_) if server.requests() > MOST_REQUESTS => vec![format!("{case}: {} requests", server.requests())],
            Ok(answer) if !says_so(&answer) && !row.first_page_only.contains(&query.name) => {
                vec![format!("{case}: nothing says that there was more, after {} requests", server.requests())]
            }
            Ok(_) => vec![],
        }
    }))
    .await;
}
