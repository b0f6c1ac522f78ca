//! The steps on a line of time: plain numbers for the template's SVG.

use jiff::Timestamp;
use pilot_core::contract::Status;
use pilot_core::journal::Entry;
use pilot_core::report::Report;
use serde::Serialize;

use crate::page::{outcome, status};

/// The drawing's width, and where its line of time begins and ends.
const WIDTH: f64 = 1000.0;
const LINE_FROM: f64 = 150.0;
const LINE_TO: f64 = 980.0;
const ROW_HEIGHT: f64 = 26.0;
/// Above the rows: the marks' names.
const HEAD_HEIGHT: f64 = 40.0;
/// Below them: the seconds.
const FOOT_HEIGHT: f64 = 28.0;
/// A step of no length is still seen.
const BAR_WIDTH_MIN: f64 = 3.0;
const TICKS: u32 = 5;

/// A drawing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Timeline {
    width: f64,
    height: f64,
    line_from: f64,
    line_to: f64,
    head: f64,
    foot: f64,
    bars: Vec<Bar>,
    acts: Vec<Act>,
    marks: Vec<Mark>,
    ticks: Vec<Tick>,
    from: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Bar {
    name: &'static str,
    class: &'static str,
    x: f64,
    y: f64,
    width: f64,
    text_y: f64,
    title: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Act {
    x: f64,
    y: f64,
    title: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Mark {
    name: &'static str,
    x: f64,
    y: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Tick {
    x: f64,
    text: String,
}

/// From and to, on the line of time.
#[derive(Debug, Clone, Copy)]
struct Axis {
    from: Timestamp,
    to: Timestamp,
}

impl Axis {
    fn of(report: &Report) -> Self {
        let starts = report.steps.iter().map(|step| step.started_at);
        let ends = report.steps.iter().filter_map(|step| step.ended_at);
        let from = starts.fold(report.started_at, Timestamp::min);
        let to = ends.fold(report.ended_at, Timestamp::max);
        // An incident long before the run would squeeze the run into a line: then it is left to the text.
        let length = to.as_millisecond() - from.as_millisecond();
        let near = |at: &Timestamp| from.as_millisecond() - at.as_millisecond() <= length;
        Axis { from: report.incident_at.filter(near).map_or(from, |at| at.min(from)), to }
    }

    fn seconds(self) -> f64 {
        ((self.to.as_millisecond() - self.from.as_millisecond()).max(1)) as f64 / 1000.0
    }

    /// `None`: not on the line.
    fn x(self, at: Timestamp) -> Option<f64> {
        let since = (at.as_millisecond() - self.from.as_millisecond()) as f64 / 1000.0;
        let share = since / self.seconds();
        (0.0..=1.0).contains(&share).then(|| rounded(LINE_FROM + share * (LINE_TO - LINE_FROM)))
    }
}

/// Draws a report; `None` without any step.
pub fn draw(report: &Report) -> Option<Timeline> {
    if report.steps.is_empty() {
        return None;
    }
    let axis = Axis::of(report);
    let foot = HEAD_HEIGHT + ROW_HEIGHT * report.steps.len() as f64;
    Some(Timeline {
        width: WIDTH,
        height: foot + FOOT_HEIGHT,
        line_from: LINE_FROM,
        line_to: LINE_TO,
        head: HEAD_HEIGHT,
        foot,
        bars: bars(report, axis),
        acts: acts(report, axis),
        marks: marks(report, axis),
        ticks: ticks(axis),
        from: axis.from.to_string(),
    })
}

fn row_y(index: usize) -> f64 {
    HEAD_HEIGHT + ROW_HEIGHT * index as f64
}

fn bars(report: &Report, axis: Axis) -> Vec<Bar> {
    let bar = |(index, step): (usize, &pilot_core::journal::StepRecord)| {
        let end = step.ended_at.unwrap_or(axis.to);
        let x = axis.x(step.started_at)?;
        let width = (axis.x(end)? - x).max(BAR_WIDTH_MIN);
        let seconds = (end.as_millisecond() - step.started_at.as_millisecond()) as f64 / 1000.0;
        Some(Bar {
            name: step.name.as_str(),
            class: class(step.outcome),
            x,
            y: row_y(index) + 4.0,
            width: rounded(width),
            text_y: row_y(index) + 18.0,
            title: format!("{}: {}, {seconds:.1} s", step.name.as_str(), status(step.outcome)),
        })
    };
    report.steps.iter().enumerate().filter_map(bar).collect()
}

pub(crate) fn class(status: Status) -> &'static str {
    match status {
        Status::Done => "done",
        Status::InProgress => "open",
        Status::Failed => "failed",
    }
}

fn acts(report: &Report, axis: Axis) -> Vec<Act> {
    let act = |entry: &Entry| {
        let row = report.steps.iter().position(|step| step.name == entry.step)?;
        let title = format!("{} of {}: {}", entry.action.as_str(), entry.resource, outcome(entry));
        Some(Act { x: axis.x(entry.intent_at)?, y: row_y(row) + ROW_HEIGHT / 2.0, title })
    };
    report.journal.iter().filter_map(act).collect()
}

/// The two clocks' beginnings and their end. Neighbours stand at different heights, so that their names do not overlap.
fn marks(report: &Report, axis: Axis) -> Vec<Mark> {
    let marks = [("incident", report.incident_at), ("decision", report.decided_at), ("recovered", report.recovered_at)];
    let mark = |(index, (name, at)): (usize, (&'static str, Option<Timestamp>))| {
        Some(Mark { name, x: axis.x(at?)?, y: if index % 2 == 0 { 14.0 } else { 28.0 } })
    };
    marks.into_iter().enumerate().filter_map(mark).collect()
}

fn ticks(axis: Axis) -> Vec<Tick> {
    let tick = |n| {
        let share = f64::from(n) / f64::from(TICKS);
        let x = rounded(LINE_FROM + share * (LINE_TO - LINE_FROM));
        Tick { x, text: format!("{:.1} s", share * axis.seconds()) }
    };
    (0..=TICKS).map(tick).collect()
}

/// A tenth of a unit is finer than a screen's.
fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
