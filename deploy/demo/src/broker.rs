//! An MQTT broker in this process, and a gate in front of it that can be shut.
//!
//! The broker (rumqttd) cannot be stopped once it runs and forgets its subscribers' sessions when
//! it dies, so the outage is made where most outages are: between the gateway and the broker. The
//! gate drops every connection through it and refuses new ones until it opens again.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as Probe};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use rumqttd::{Broker, Config, ConnectionSettings, RouterConfig, ServerSettings};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How long a client may take to introduce itself.
const CONNECT_TIMEOUT_MS: u16 = 5_000;
/// Far above any message of the demo.
const MAX_PAYLOAD: usize = 1 << 20;
/// How long the broker may take to listen.
const START_TIMEOUT: Duration = Duration::from_secs(5);

/// Starts the broker on a free loopback port; it runs until the process ends.
///
/// # Errors
/// When no port is free or the broker does not listen in time.
pub async fn start() -> Result<SocketAddr> {
    let listen = free_port()?;
    let server = ServerSettings {
        name: "demo".into(),
        listen,
        tls: None,
        next_connection_delay_ms: 0,
        connections: ConnectionSettings {
            connection_timeout_ms: CONNECT_TIMEOUT_MS,
            max_payload_size: MAX_PAYLOAD,
            max_inflight_count: 200,
            auth: None,
            external_auth: None,
            dynamic_filters: true,
        },
    };
    let config = Config {
        id: 0,
        router: RouterConfig {
            max_connections: 10,
            max_outgoing_packet_count: 200,
            max_segment_size: 1 << 20,
            max_segment_count: 10,
            custom_segment: None,
            initialized_filters: None,
            shared_subscriptions_strategy: rumqttd::Strategy::default(),
        },
        v4: None,
        v5: Some(HashMap::from([("demo".to_owned(), server)])),
        ws: None,
        cluster: None,
        console: None,
        bridge: None,
        prometheus: None,
        metrics: None,
    };
    thread::Builder::new().name("broker".into()).spawn(move || {
        if let Err(error) = Broker::new(config).start() {
            eprintln!("the demo's broker has ended: {error}");
        }
    })?;
    tokio::time::timeout(START_TIMEOUT, async {
        while TcpStream::connect(listen).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .context("the broker did not start listening")?;
    Ok(listen)
}

fn free_port() -> Result<SocketAddr> {
    let probe = Probe::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on loopback")?;
    Ok(probe.local_addr()?)
}

/// A way to the broker that can be shut.
pub struct Gate {
    /// Where clients reach the broker through the gate.
    pub address: SocketAddr,
    open: watch::Sender<bool>,
}

impl Gate {
    /// Opens a gate in front of `broker` on a free loopback port.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(broker: SocketAddr) -> Result<Gate> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (open, state) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let mut state = state.clone();
                if *state.borrow() {
                    tokio::spawn(async move {
                        tokio::select! {
                            () = pass(client, broker) => {}
                            _ = state.wait_for(|open| !open) => {}
                        }
                    });
                }
            }
        });
        Ok(Gate { address, open })
    }

    /// Drops every connection and refuses new ones.
    pub fn shut(&self) {
        self.open.send_replace(false);
    }

    /// Lets connections through again.
    pub fn open(&self) {
        self.open.send_replace(true);
    }
}

async fn pass(mut client: TcpStream, broker: SocketAddr) {
    if let Ok(mut upstream) = TcpStream::connect(broker).await {
        // Either side closing ends both; which one did is of no interest here.
        let _ = copy_bidirectional(&mut client, &mut upstream).await;
    }
}
