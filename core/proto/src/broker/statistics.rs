//! The broker's counters.

/// Defines [`Statistics`] and the names of its entries.
macro_rules! statistics {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])+ $field:ident $text:literal: $type:ty,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        #[non_exhaustive]
        pub struct $name { $($(#[$field_doc])+ pub $field: $type,)+ }

        impl $name {
            /// All values with their names (`partialReplies`), in the order of the fields.
            pub fn entries(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$(($text, self.$field as u64)),+].into_iter()
            }
        }
    };
}

statistics! {
    /// Counters since the broker's start, and gauges of its present state (from `workers` on).
    Statistics {
        /// Requests received, including refused ones and duplicates.
        requests "requests": u64,
        /// Requests of a previous run that the broker took over.
        restored "restored": u64,
        /// Durable requests that were left in the store when the broker stopped.
        left "left": u64,
        /// Requests sent to workers; a request that was retried or rejected counts more than once.
        dispatches "dispatches": u64,
        /// Final replies forwarded.
        replies "replies": u64,
        /// Partial replies forwarded.
        partial_replies "partialReplies": u64,
        /// Requests that a worker rejected.
        rejects "rejects": u64,
        /// Requests requeued because their worker was lost.
        retries "retries": u64,
        /// Requests whose timeout passed.
        expired "expired": u64,
        /// Requests cancelled by their client, or because it was lost.
        cancelled "cancelled": u64,
        /// Requests refused or ended with an error reply of the broker.
        errors "errors": u64,
        /// Replies dropped because the broker had already ended their request.
        late_replies "lateReplies": u64,
        /// Requests answered from the reply cache.
        cache_hits "cacheHits": u64,
        /// Messages that violated the protocol.
        protocol_errors "protocolErrors": u64,
        /// Messages that could not be delivered because their receiver was gone or too slow.
        undeliverable "undeliverable": u64,
        /// Registered workers.
        workers "workers": usize,
        /// Known clients: those with requests and those with heartbeats.
        clients "clients": usize,
        /// Requests that wait for a worker.
        queued "queued": usize,
        /// Requests in flight at workers.
        in_flight "inFlight": usize,
        /// Bytes of all requests held.
        request_bytes "requestBytes": usize,
        /// Bytes in the reply cache.
        cache_bytes "cacheBytes": usize,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_contain_every_field_in_order() {
        let statistics = Statistics {
            requests: 1,
            restored: 2,
            left: 3,
            dispatches: 4,
            replies: 5,
            partial_replies: 6,
            rejects: 7,
            retries: 8,
            expired: 9,
            cancelled: 10,
            errors: 11,
            late_replies: 12,
            cache_hits: 13,
            protocol_errors: 14,
            undeliverable: 15,
            workers: 16,
            clients: 17,
            queued: 18,
            in_flight: 19,
            request_bytes: 20,
            cache_bytes: 21,
        };
        let entries: Vec<String> = statistics.entries().map(|(name, value)| format!("{name}: {value}")).collect();
        let debug = format!("{statistics:?}");
        let fields = debug.trim_start_matches("Statistics { ").trim_end_matches(" }");
        assert_eq!(entries.join(", "), camel_case(fields));
    }

    fn camel_case(text: &str) -> String {
        let mut words = text.split('_');
        let first = words.next().unwrap_or_default().to_owned();
        words.fold(first, |text, word| text + &word[..1].to_uppercase() + &word[1..])
    }
}
