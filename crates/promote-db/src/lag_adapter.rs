//! Lag samples from CloudWatch: the same reading for every lag metric.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, StatusCode};
use jiff::Timestamp;
use pilot_core::observed::LagSample;
use pilot_shell::CallError;

/// CloudWatch keeps values of seconds for so long; after that only minutes are left.
const FINE_SECONDS_MAX: i64 = 3 * 3600;
/// RDS publishes once a minute; whoever publishes more often is read as finely as that.
const FINE_PERIOD_SECONDS: i32 = 1;
const COARSE_PERIOD_SECONDS: i32 = 60;
/// A limit on the pages of samples: 3 hours of seconds fit into one.
const PAGES_MAX: usize = 10;

/// A lag metric in `AWS/RDS`.
#[derive(Debug)]
pub(crate) struct LagMetric<'a> {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its unit, as parts of a second: 1, or 1,000 for milliseconds.
    pub(crate) parts_of_a_second: f64,
    /// The dimension sets it may be published under, each a list of name and value. All are read.
    pub(crate) dimensions: &'a [&'a [(&'a str, &'a str)]],
}

/// The samples from `from` up to and including `to`, in seconds.
pub(crate) async fn samples(
    cloudwatch: &Client,
    metric: &LagMetric<'_>,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<LagSample>, CallError> {
    let period_seconds =
        if to.as_second() - from.as_second() < FINE_SECONDS_MAX { FINE_PERIOD_SECONDS } else { COARSE_PERIOD_SECONDS };
    let queries: Vec<MetricDataQuery> = metric
        .dimensions
        .iter()
        .enumerate()
        .map(|(index, dimensions)| query(&format!("lag{index}"), metric.name, dimensions, period_seconds))
        .collect();
    let mut samples = Vec::new();
    let mut token = None;
    for _ in 0..PAGES_MAX {
        let call = cloudwatch
            .get_metric_data()
            .set_metric_data_queries(Some(queries.clone()))
            .start_time(DateTime::from_secs(from.as_second()))
            // The end is exclusive and samples lie on whole seconds: one more, or the newest is missed.
            .end_time(DateTime::from_secs(to.as_second() + 1))
            .set_next_token(token);
        let answer = call.send().await?;
        for result in answer.metric_data_results() {
            samples.extend(samples_of(result, metric)?);
        }
        token = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        if token.is_none() {
            return Ok(samples);
        }
    }
    Ok(samples)
}

fn query(id: &str, metric_name: &str, dimensions: &[(&str, &str)], period_seconds: i32) -> MetricDataQuery {
    let dimension = |(name, value): &(&str, &str)| Dimension::builder().name(*name).value(*value).build();
    let metric = Metric::builder()
        .namespace("AWS/RDS")
        .metric_name(metric_name)
        .set_dimensions(Some(dimensions.iter().map(dimension).collect()))
        .build();
    // The largest of a period, so that a minute with one bad second is not read as a good one.
    let stat = MetricStat::builder().metric(metric).period(period_seconds).stat("Maximum").build();
    MetricDataQuery::builder().id(id).metric_stat(stat).return_data(true).build()
}

/// A result CloudWatch could not make whole is no answer: an empty one would read as "no samples".
fn samples_of(result: &MetricDataResult, metric: &LagMetric<'_>) -> Result<Vec<LagSample>, CallError> {
    if let Some(status @ (StatusCode::InternalError | StatusCode::Forbidden)) = result.status_code() {
        let message = format!("CloudWatch answered {status} for {}", metric.name);
        return Err(CallError::Unknown { message });
    }
    let at = |time: &DateTime| Timestamp::from_second(time.secs()).ok();
    let pairs = result.timestamps().iter().zip(result.values());
    Ok(pairs
        .filter_map(|(time, lag)| Some(LagSample { at: at(time)?, lag_seconds: *lag / metric.parts_of_a_second }))
        .collect())
}
