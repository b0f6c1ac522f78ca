//! Web addresses, as far as a plan can be wrong about them offline.

use super::PlanProblem;

/// Tells what is wrong with a whole `http://` or `https://` address. The address itself is repeated only where it can hold no secret.
pub(super) fn http(url: &str, path: String, problems: &mut Vec<PlanProblem>) {
    let message = match url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")) {
        None => "must begin with http:// or https://".to_owned(),
        Some(rest) => {
            let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
            if authority.contains('@') {
                "must not carry a user or password: plans are read by many".to_owned()
            } else if let Some(wrong) = wrong_authority(authority) {
                wrong
            } else if rest.contains(|c: char| c.is_whitespace() || c.is_control()) {
                "must not hold spaces".to_owned()
            } else {
                return;
            }
        }
    };
    problems.push(PlanProblem::new(path, message));
}

fn wrong_authority(authority: &str) -> Option<String> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(v6) => {
            let Some((host, rest)) = v6.split_once(']') else {
                return Some("the IPv6 address is not closed".to_owned());
            };
            if !(rest.is_empty() || rest.starts_with(':')) {
                return Some(format!("{rest:?} cannot follow an IPv6 address"));
            }
            if host.parse::<std::net::Ipv6Addr>().is_err() {
                return Some(format!("[{host}] is no IPv6 address"));
            }
            (host, rest.strip_prefix(':'))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if host.is_empty() {
        return Some("names no host".to_owned());
    }
    if let Some(wrong) = host.chars().find(|c| !c.is_alphanumeric() && !matches!(c, '.' | '-' | '_' | ':')) {
        return Some(format!("{wrong:?} cannot stand in a host's name"));
    }
    match port {
        Some(port) if !matches!(port.parse::<u16>(), Ok(1..)) => Some(format!("{port:?} is no port")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let rows = [
            ("plain", "https://shop.example.com", None),
            ("with a port and path", "http://127.0.0.1:8080/health?deep=1", None),
            ("IPv6", "http://[2001:db8::1]:8080/", None),
            ("an at sign in the path", "https://shop.example.com/@me", None),
            ("no scheme", "shop.example.com", Some("must begin with http:// or https://")),
            ("another scheme", "ftp://shop.example.com", Some("must begin with http:// or https://")),
            ("no host", "https:///health", Some("names no host")),
            ("only a port", "https://:443/", Some("names no host")),
            ("port of letters", "http://shop:http/", Some("\"http\" is no port")),
            ("port 0", "http://shop:0/", Some("\"0\" is no port")),
            ("port too high", "http://shop:70000/", Some("\"70000\" is no port")),
            ("a placeholder left", "https://<host>/", Some("'<' cannot stand in a host's name")),
            ("a space", "https://shop/a b", Some("must not hold spaces")),
            ("not quite IPv6", "http://[::zz]/", Some("[::zz] is no IPv6 address")),
            ("open bracket", "http://[::1/", Some("the IPv6 address is not closed")),
            ("rubbish behind the bracket", "http://[::1]8080/", Some("\"8080\" cannot follow an IPv6 address")),
            ("a secret", "https://me:hunter2@shop/", Some("must not carry a user or password: plans are read by many")),
        ];
        for (name, url, expected) in rows {
            let mut problems = Vec::new();
            http(url, "/url".into(), &mut problems);
            let found: Vec<&str> = problems.iter().map(|p| p.message.as_str()).collect();
            assert_eq!(found, Vec::from_iter(expected), "{name}: {url}");
        }
    }
}
