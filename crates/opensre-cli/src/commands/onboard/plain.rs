//! Questions at a terminal that cannot move its cursor (`TERM=dumb`, a screen reader): one line each way.

use std::io;

use console::Term;

use super::ask::{Ask, Kind, Question, Reply};
use super::terminal::cut;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::text::wrapped;

/// What is typed to go back, since there is no Esc key to see.
const BACK: &str = "<";

/// Most choices that are listed; more are found by typing a part of them.
const LISTED: usize = 20;

/// A terminal that can only print lines.
pub(super) struct Plain {
    width: usize,
    say: Box<dyn FnMut(&str)>,
}

impl Plain {
    pub(super) fn new(width: usize, say: Box<dyn FnMut(&str)>) -> Self {
        Self { width, say }
    }

    fn read(prompt: &str, secret: bool) -> Result<String, Failure> {
        let term = Term::stderr();
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::Interrupted | io::ErrorKind::UnexpectedEof | io::ErrorKind::NotConnected => {
                Failure::new(Exit::Interrupted, "interrupted")
            }
            _ => Failure::failed(format!("cannot ask at this terminal: {error}")),
        };
        term.write_str(&format!("{prompt} ")).map_err(failed)?;
        if secret {
            return term.read_secure_line().map_err(failed);
        }
        let mut line = String::new();
        match io::stdin().read_line(&mut line).map_err(failed)? {
            0 => Err(Failure::new(Exit::Interrupted, "interrupted")),
            _ => Ok(line.trim_end_matches(['\r', '\n']).to_owned()),
        }
    }
}

impl Ask for Plain {
    fn ask(&mut self, question: &Question) -> Result<Reply, Failure> {
        self.say(&question.help);
        match &question.kind {
            Kind::Choice { options, start } => {
                let mut found: Vec<usize> = (0..options.len()).collect();
                loop {
                    for (number, at) in found.iter().take(LISTED).enumerate() {
                        (self.say)(&cut(&format!("{:>3}) {}", number + 1, options[*at].label), self.width));
                    }
                    if found.len() > LISTED {
                        (self.say)(&format!("     and {} more: type a part of the name", found.len() - LISTED));
                    }
                    let prompt =
                        format!("{} Number or part of a name [{}], {BACK} goes back:", question.prompt, start + 1);
                    let typed = Self::read(&prompt, false)?;
                    let typed = typed.trim();
                    match (typed, typed.parse::<usize>()) {
                        ("", _) => return Ok(Reply::Choice(*start)),
                        (BACK, _) => return Ok(Reply::Back),
                        (_, Ok(number)) => {
                            if let Some(at) = number.checked_sub(1).and_then(|at| found.get(at)) {
                                return Ok(Reply::Choice(*at));
                            }
                            (self.say)("There is no such number.");
                        }
                        (part, Err(_)) => {
                            let mut fitting: Vec<(i64, usize)> = options
                                .iter()
                                .enumerate()
                                .filter_map(|(at, choice)| Some((-choice.fits(part)?, at)))
                                .collect();
                            fitting.sort_unstable();
                            match fitting.as_slice() {
                                [] => (self.say)("Nothing fits that."),
                                [(_, only)] => return Ok(Reply::Choice(*only)),
                                several => found = several.iter().map(|(_, at)| *at).collect(),
                            }
                        }
                    }
                }
            }
            Kind::Text { initial, default, check, .. } => loop {
                let shown = if initial.is_empty() { default.as_deref().unwrap_or_default() } else { initial };
                let shown = if shown.is_empty() { String::new() } else { format!(" [{shown}]") };
                let typed = Self::read(&format!("{}{shown}:", question.prompt), false)?;
                let answer = match typed.trim() {
                    BACK => return Ok(Reply::Back),
                    "" => initial.clone(),
                    // An empty line keeps what stands there, so taking it away needs a word of its own.
                    "-" if !initial.is_empty() => String::new(),
                    typed => typed.to_owned(),
                };
                match check(&answer) {
                    Ok(()) => return Ok(Reply::Text(answer)),
                    Err(reason) => (self.say)(&format!("Not so: {reason}.")),
                }
            },
            Kind::Secret { has, check } => loop {
                let shown = has.as_ref().map(|has| format!(" [{has}]")).unwrap_or_default();
                let typed = Self::read(&format!("{}{shown} (hidden):", question.prompt), true)?;
                match typed.trim() {
                    BACK => return Ok(Reply::Back),
                    typed => match check(typed) {
                        Ok(()) => return Ok(Reply::Text(typed.to_owned())),
                        Err(reason) => (self.say)(&format!("Not so: {reason}.")),
                    },
                }
            },
            Kind::YesNo { default } => loop {
                let marks = if *default { "[Y/n]" } else { "[y/N]" };
                let typed = Self::read(&format!("{} {marks}:", question.prompt), false)?.trim().to_lowercase();
                match typed.as_str() {
                    "" => return Ok(Reply::YesNo(*default)),
                    BACK => return Ok(Reply::Back),
                    "y" | "yes" => return Ok(Reply::YesNo(true)),
                    "n" | "no" => return Ok(Reply::YesNo(false)),
                    _ => (self.say)("Write y or n."),
                }
            },
        }
    }

    fn say(&mut self, text: &str) {
        for line in wrapped(text, self.width) {
            (self.say)(&line);
        }
    }
}
