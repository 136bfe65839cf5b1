//! Runs several futures at once, in one task and in order: [`all`]. Each is first polled in the order given, so that
//! requests to a server leave in that order.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// Runs a few futures together. Returns their outputs in the same order.
pub async fn all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    let finished = poll_fn(|context| {
        let mut waiting = false;
        for (future, answer) in &mut running {
            if answer.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(ready) => *answer = Some(ready),
                    Poll::Pending => waiting = true,
                }
            }
        }
        if waiting { Poll::Pending } else { Poll::Ready(()) }
    });
    pin!(finished).await;
    running.into_iter().filter_map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn answers_keep_their_order() {
        let (sender, receiver) = tokio::sync::oneshot::channel::<u32>();
        let late = async { receiver.await.unwrap() };
        let early = async move {
            sender.send(1).unwrap();
            2
        };
        let both: Vec<std::pin::Pin<Box<dyn Future<Output = u32>>>> = vec![Box::pin(late), Box::pin(early)];
        assert_eq!(all(both).await, [1, 2]);
    }
}
