//! Reading from a connection in small parts, so that the buffer behind it stays small.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf, Take};

/// Most bytes that are read at once. hyper's buffer, of 8 KiB, grows with each read that fills it, up to the largest head:
/// each connection on which a body arrives would hold that much.
const MOST: u64 = 4 * 1024;

/// A connection that is read in small parts.
#[derive(Debug)]
pub(super) struct SmallReads<S>(Take<S>);

impl<S: AsyncRead> SmallReads<S> {
    pub(super) fn new(stream: S) -> Self {
        Self(stream.take(MOST))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for SmallReads<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.0.set_limit(MOST);
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for SmallReads<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.0.get_mut()).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.0.get_mut()).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.0.get_mut()).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.0.get_mut()).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.get_ref().is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn everything_arrives_in_parts_of_at_most_four_kib() {
        let (mut client, server) = duplex(64 * 1024);
        let sent: Vec<u8> = (0..40_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        client.write_all(&sent).await.unwrap();
        drop(client);
        let (mut reads, mut part, mut received) =
            (SmallReads::new(server), [0; 16 * 1024], Vec::new());
        loop {
            let length = reads.read(&mut part).await.unwrap();
            assert!(length <= 4096, "{length}");
            if length == 0 {
                break;
            }
            received.extend_from_slice(&part[..length]);
        }
        assert_eq!(received, sent);
    }
}
