//! Tells when the events that wait now have been taken.

use tokio::sync::{mpsc, oneshot};

/// How many ask at once: the upkeep, and the end.
const ASKING_MAX: usize = 2;

/// The side of those who want to know.
#[derive(Debug)]
pub(crate) struct Passage(mpsc::Sender<oneshot::Sender<()>>);

/// The side of who takes the events.
#[derive(Debug)]
pub(crate) struct Asked {
    asking: mpsc::Receiver<oneshot::Sender<()>>,
    /// Who is to be told after how many more events.
    open: Option<(usize, oneshot::Sender<()>)>,
}

/// Both sides.
pub(crate) fn passage() -> (Passage, Asked) {
    let (sender, asking) = mpsc::channel(ASKING_MAX);
    (Passage(sender), Asked { asking, open: None })
}

impl Passage {
    /// Waits until all events that wait now have been taken, or none are taken any more.
    pub(crate) async fn passed(&self) {
        let (sender, receiver) = oneshot::channel();
        if self.0.send(sender).await.is_ok() {
            // An error means that the events have ended.
            let _ = receiver.await;
        }
    }
}

impl Asked {
    /// Waits until somebody asks; never, while somebody has.
    pub(crate) async fn next(&mut self) -> oneshot::Sender<()> {
        if self.open.is_none()
            && let Some(asking) = self.asking.recv().await
        {
            return asking;
        }
        std::future::pending().await
    }

    /// Somebody asks while so many events wait.
    pub(crate) fn begin(&mut self, waiting: usize, asking: oneshot::Sender<()>) {
        self.open = Some((waiting, asking));
        self.settle(waiting);
    }

    /// An event was taken, and so many wait.
    pub(crate) fn took(&mut self, waiting: usize) {
        if let Some((left, _)) = &mut self.open {
            *left -= 1;
        }
        self.settle(waiting);
    }

    /// Events may have been shed, so none that wait is enough too.
    fn settle(&mut self, waiting: usize) {
        if let Some((_, asking)) = self.open.take_if(|(left, _)| *left == 0 || waiting == 0) {
            // Whoever asked may have gone.
            let _ = asking.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_that_wait_must_be_taken() {
        let (passage, mut asked) = passage();
        let mut passed = std::pin::pin!(passage.passed());
        let asking = tokio::select! {
            asking = asked.next() => asking,
            () = &mut passed => panic!("nothing has been taken"),
        };
        asked.begin(2, asking);
        asked.took(5);
        let early = tokio::time::timeout(std::time::Duration::from_millis(10), &mut passed).await;
        assert!(early.is_err(), "one is still to be taken");
        asked.took(4);
        passed.await;
    }

    #[tokio::test]
    async fn nothing_that_waits_is_enough() {
        let (passage, mut asked) = passage();
        for shed in [false, true] {
            let told = async {
                let asking = asked.next().await;
                asked.begin(if shed { 3 } else { 0 }, asking);
                asked.took(0);
            };
            tokio::join!(passage.passed(), told);
        }
        drop(asked);
        passage.passed().await;
    }
}
