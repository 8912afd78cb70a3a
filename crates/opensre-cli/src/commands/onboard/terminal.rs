//! Questions at a terminal that can move its cursor.

use inquire::error::InquireError;
use inquire::ui::{Color, RenderConfig, StyleSheet, Styled};
use inquire::{Confirm, Select};
use opensre_model::secret::SecretReference;

use super::ask::{Ask, Choice, Kind, Question, Reply, Suggest};
use super::prompt::{End, Prompt};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::text::wrapped;

/// Lines of a list that are shown at a time; with its question and help it fits into 24 lines.
const PAGE: usize = 12;

/// A terminal.
pub(super) struct Terminal {
    render: RenderConfig<'static>,
    width: usize,
    color: bool,
    say: Box<dyn FnMut(&str)>,
}

impl Terminal {
    pub(super) fn new(color: bool, width: usize, say: Box<dyn FnMut(&str)>) -> Self {
        let render =
            if color { coloured() } else { RenderConfig::empty().with_answered_prompt_prefix(Styled::new(">")) };
        let render = render.with_canceled_prompt_indicator(Styled::new("<back>"));
        Self { render, width, color, say }
    }
}

/// Colours that can be read on dark and on light ground.
fn coloured() -> RenderConfig<'static> {
    RenderConfig::default_colored()
        .with_prompt_prefix(Styled::new("?").with_fg(Color::DarkGreen))
        .with_answered_prompt_prefix(Styled::new(">").with_fg(Color::DarkGreen))
        .with_help_message(StyleSheet::empty().with_fg(Color::DarkGrey))
        .with_answer(StyleSheet::empty().with_fg(Color::DarkCyan))
        .with_highlighted_option_prefix(Styled::new(">").with_fg(Color::DarkCyan))
        .with_selected_option(Some(StyleSheet::new().with_fg(Color::DarkCyan)))
}

impl Ask for Terminal {
    fn ask(&mut self, question: &Question) -> Result<Reply, Failure> {
        let render = self.render;
        let keys = match &question.kind {
            Kind::Choice { options, .. } if options.len() > PAGE => {
                "type to search, arrows move, Enter takes, Esc goes back"
            }
            Kind::Choice { .. } => "arrows move, Enter takes, Esc goes back",
            _ => "",
        };
        let parts: Vec<&str> = [question.help.as_str(), keys].into_iter().filter(|part| !part.is_empty()).collect();
        // The brackets around a help message take two columns.
        let help = wrapped(&parts.join("; "), self.width.saturating_sub(3)).join("\n ");
        let help = (!help.is_empty()).then_some(help.as_str());
        let reply = match &question.kind {
            Kind::Choice { options, start } => {
                let options: Vec<Line> = options.iter().map(|choice| Line::new(choice, self.width)).collect();
                let many = options.len() > PAGE;
                let scorer = |search: &str, line: &Line, _: &str, _: usize| line.choice.fits(search);
                let best_first = |lines: &mut [(usize, i64)]| lines.sort_by_key(|(at, score)| (-score, *at));
                let mut select = Select::new(&question.prompt, options)
                    .with_render_config(render)
                    .with_page_size(PAGE)
                    .with_starting_cursor(*start)
                    .with_scorer(&scorer)
                    .with_sorter(&best_first)
                    .with_formatter(&|line| line.value.answer());
                select.help_message = help;
                if !many {
                    select = select.without_filtering();
                }
                select.raw_prompt().map(|chosen| Reply::Choice(chosen.index))
            }
            Kind::Text { initial, default, suggest, check } => {
                let answered = |answer: &str| answer.trim_matches([',', ' ']).to_owned();
                let prompt = Prompt {
                    asks: &question.prompt,
                    help: &question.help,
                    initial,
                    default: default.as_deref(),
                    suggest,
                    check,
                    secret: false,
                    color: self.color,
                    answered: &answered,
                };
                return line(&prompt);
            }
            Kind::Secret { has, check } => {
                let answered = |answer: &str| secret_answer(answer, has.as_deref());
                let prompt = Prompt {
                    asks: &question.prompt,
                    help: &question.help,
                    initial: "",
                    default: has.as_deref(),
                    suggest: &Suggest::Nothing,
                    check,
                    secret: true,
                    color: self.color,
                    answered: &answered,
                };
                return line(&prompt);
            }
            Kind::YesNo { default } => {
                let mut confirm = Confirm::new(&question.prompt).with_render_config(render).with_default(*default);
                confirm.help_message = help;
                confirm.prompt().map(Reply::YesNo)
            }
        };
        match reply {
            Ok(reply) => Ok(reply),
            Err(InquireError::OperationCanceled) => Ok(Reply::Back),
            Err(InquireError::OperationInterrupted) => Err(Failure::new(Exit::Interrupted, "interrupted")),
            Err(error) => Err(unable(&error)),
        }
    }

    fn say(&mut self, text: &str) {
        for line in wrapped(text, self.width) {
            (self.say)(&line);
        }
    }
}

fn line(prompt: &Prompt<'_>) -> Result<Reply, Failure> {
    match prompt.ask() {
        Ok(End::Answer(answer)) => Ok(Reply::Text(answer)),
        Ok(End::Back) => Ok(Reply::Back),
        Ok(End::Leave) => Err(Failure::new(Exit::Interrupted, "interrupted")),
        Err(error) => Err(unable(&error)),
    }
}

fn unable(error: &dyn std::fmt::Display) -> Failure {
    Failure::failed(format!("cannot ask at this terminal: {error}"))
        .hint("give the answers as flags: `opensre onboard --help`")
}

/// What stands behind a secret's question once it is answered: never the secret, and not its length.
fn secret_answer(answer: &str, has: Option<&str>) -> String {
    match (answer.trim(), SecretReference::parse(answer.trim())) {
        ("", _) => has.map_or_else(|| "none".to_owned(), |has| format!("kept ({has})")),
        ("-", _) => "removed".to_owned(),
        (_, Ok(Some(reference))) => reference.spelling(),
        _ => "set".to_owned(),
    }
}

/// A choice as a line of the terminal.
struct Line {
    choice: Choice,
    shown: String,
}

impl Line {
    fn new(choice: &Choice, width: usize) -> Self {
        // The mark before it takes two columns, and the last one stays free.
        Self { choice: choice.clone(), shown: cut(&choice.label, width.saturating_sub(3)) }
    }

    /// What was chosen, without the remarks in further columns.
    fn answer(&self) -> String {
        self.choice.label.split("  ").next().unwrap_or_default().trim_end().to_owned()
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

/// A text cut to so many columns.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(3)).collect();
    format!("{}...", kept.trim_end())
}
