//! DNS, by hickory: one resolver a question, made for one server, without a cache. UDP first, TCP when an answer does not fit.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr;
use hickory_resolver::{ResolverBuilder, TokioResolver};
use pilot_core::plan::RecordType;

use crate::ports::Dns;

/// One try of a question; there are two.
const TRY_TIMEOUT: Duration = Duration::from_secs(2);
/// A whole question, TCP included.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(6);

/// Asks name servers over the network.
#[derive(Debug, Clone, Copy, Default)]
pub struct NetworkDns;

impl Dns for NetworkDns {
    async fn ask(
        &self,
        server: Option<SocketAddr>,
        name: &str,
        record_type: RecordType,
    ) -> Result<Vec<String>, String> {
        let resolver = match server {
            Some(server) => {
                without_cache(TokioResolver::builder_with_config(only(server), TokioRuntimeProvider::default()))
            }
            None => TokioResolver::builder_tokio().and_then(without_cache),
        };
        let resolver = resolver.map_err(|error| format!("the resolver could not be made: {error}"))?;
        let wanted = wanted(record_type);
        // Absolute: no search domain of the machine's is tried.
        let absolute = format!("{}.", name.trim_end_matches('.'));
        match tokio::time::timeout(QUESTION_TIMEOUT, resolver.lookup(absolute, wanted)).await {
            Ok(Ok(lookup)) => {
                let answers = lookup.answers().iter().filter(|record| record.record_type() == wanted);
                Ok(answers.map(|record| record.data.to_string()).collect())
            }
            Ok(Err(error)) if error.is_no_records_found() => Ok(Vec::new()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer within {} seconds", QUESTION_TIMEOUT.as_secs())),
        }
    }
}

fn wanted(record_type: RecordType) -> rr::RecordType {
    match record_type {
        RecordType::A => rr::RecordType::A,
        RecordType::Aaaa => rr::RecordType::AAAA,
        RecordType::Cname => rr::RecordType::CNAME,
        RecordType::Txt => rr::RecordType::TXT,
    }
}

fn only(server: SocketAddr) -> ResolverConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].into_iter().map(|mut connection| {
        connection.port = server.port();
        connection
    });
    // Its "no" is the answer: there is no other server to ask.
    ResolverConfig::from_name_servers(vec![NameServerConfig::new(server.ip(), true, connections.collect())])
}

fn without_cache(mut builder: ResolverBuilder<TokioRuntimeProvider>) -> Result<TokioResolver, NetError> {
    let options = builder.options_mut();
    options.cache_size = 0;
    options.attempts = 1;
    options.timeout = TRY_TIMEOUT;
    options.use_hosts_file = ResolveHosts::Never;
    builder.build()
}
