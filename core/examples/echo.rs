//! A service that returns its request's data, and a client that calls it:
//! `cargo run -p pigato --example echo`.

use std::error::Error;

use pigato::{Broker, Client, Worker};

fn main() -> Result<(), Box<dyn Error>> {
    // A broker in this process, so that nothing else has to run. Workers and clients may run on any
    // host that reaches it.
    let broker = Broker::builder().bind("tcp://127.0.0.1:*").intch(None).start()?;

    let worker = Worker::connect(broker.endpoint(), "echo")?;
    let serving = worker.clone();
    let handlers = std::thread::spawn(move || serving.serve_blocking(2, |request, _reply| Ok(request.json()?)));

    let client = Client::connect(broker.endpoint())?;
    let answer: String = client.call_blocking("echo", "hello")?;
    println!("{answer}");

    // Concurrent requests: send all, then wait for each.
    let responses: Vec<_> = (0..1_000).map(|number| client.request("echo", &number).send()).collect();
    let mut sum = 0;
    for response in responses {
        sum += response.finish_blocking()?.decode::<u64>()?;
    }
    println!("the sum of a thousand answers is {sum}");

    worker.stop_blocking();
    handlers.join().map_err(|_| "a handler's thread panicked")?;
    Ok(())
}
