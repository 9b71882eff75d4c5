//! A broker that prints its events until Enter is pressed:
//! `cargo run -p pigato --example broker [ENDPOINT]`.

use std::error::Error;

use pigato::Broker;

fn main() -> Result<(), Box<dyn Error>> {
    let endpoint = std::env::args().nth(1).unwrap_or_else(|| "tcp://127.0.0.1:*".to_owned());
    // Runs on the I/O thread, so it must not block: a real program would pass events to another
    // thread.
    let broker = Broker::builder().bind(endpoint).intch(None).on_event(|event| println!("{event:?}")).start()?;
    println!("listening on {}; press Enter to stop", broker.endpoint());

    std::io::stdin().read_line(&mut String::new())?;

    println!("{:#?}", broker.statistics()?);
    // Finishes accepted requests first.
    broker.stop_blocking();
    Ok(())
}
