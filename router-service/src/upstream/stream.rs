//! The chunks of one stream, whatever its provider speaks, in OpenAI's shape. It ends well only where the provider says so:
//! bytes that simply stop are a stream that was cut. Dropping it drops the connection, and with it the call.

use std::collections::{BTreeSet, VecDeque};

use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::Failed;
use super::anthropic::Chunks;
use super::openai::{self, DONE, Garbled, Piece, Read};
use super::sse::{Event, Events};
use super::usage::Usage;
use crate::secret::Secret;

/// A stream under way.
pub(crate) struct Stream {
    source: Source,
    waiting: VecDeque<Piece>,
    open: BTreeSet<u64>,
    any_finished: bool,
    /// Nothing more comes: what waits is told, and then it is seen whether that was all.
    closed: bool,
    ended: bool,
    /// What went wrong behind the chunks that wait: they were said, and are told first.
    broken: Option<Failed>,
    usage: Option<Usage>,
}

enum Source {
    /// A provider of OpenAI's shape.
    Openai { body: Incoming, events: Events, secrets: Vec<Secret> },
    /// One of Anthropic's.
    Anthropic { body: Incoming, events: Events, chunks: Box<Chunks>, secrets: Vec<Secret> },
    /// Chunks that are there already.
    Ready,
}

impl Stream {
    /// The stream of a provider that speaks as OpenAI does.
    pub(crate) fn openai(body: Incoming, secrets: Vec<Secret>) -> Self {
        Self::of(Source::Openai { body, events: Events::default(), secrets }, VecDeque::new())
    }

    /// The stream of a provider that speaks as Anthropic does; `chunks` makes OpenAI's of it.
    pub(crate) fn anthropic(body: Incoming, chunks: Chunks, secrets: Vec<Secret>) -> Self {
        let (events, chunks) = (Events::default(), Box::new(chunks));
        Self::of(Source::Anthropic { body, events, chunks, secrets }, VecDeque::new())
    }

    /// A stream of what is there already.
    pub(crate) fn ready(pieces: impl IntoIterator<Item = Piece>) -> Self {
        Self { ended: true, ..Self::of(Source::Ready, pieces.into_iter().collect()) }
    }

    fn of(source: Source, waiting: VecDeque<Piece>) -> Self {
        let (open, broken, usage) = (BTreeSet::new(), None, None);
        Self { source, waiting, open, any_finished: false, closed: false, ended: false, broken, usage }
    }

    /// What the provider said of tokens so far.
    pub(crate) fn usage(&self) -> Option<Usage> {
        match &self.source {
            Source::Anthropic { chunks, .. } => chunks.usage(),
            Source::Openai { .. } | Source::Ready => self.usage,
        }
    }

    /// The choices that have begun and not ended.
    pub(crate) fn open_choices(&self) -> impl Iterator<Item = u64> {
        self.open.iter().copied()
    }

    /// The next chunk; none at a good end.
    pub(crate) async fn next(&mut self) -> Result<Option<Piece>, Failed> {
        loop {
            if let Some(piece) = self.waiting.pop_front() {
                self.heed(&piece);
                return Ok(Some(piece));
            }
            if let Some(failed) = self.broken.take() {
                return Err(failed);
            }
            if self.ended {
                return Ok(None);
            }
            if self.closed {
                self.ended = true;
                // Some servers close without the last word. That is a good end only if every answer had come to its own.
                return match self.any_finished && self.open.is_empty() && !self.lacks_its_end() {
                    true => Ok(None),
                    false => Err(Failed::lost("the stream ended before the answer did")),
                };
            }
            self.broken = self.more().await.err();
        }
    }

    fn heed(&mut self, piece: &Piece) {
        self.usage = piece.usage.or(self.usage);
        self.open.extend(&piece.choices);
        for index in &piece.finished {
            self.open.remove(index);
        }
        self.any_finished |= !piece.finished.is_empty();
    }

    /// Reads what the provider sends next.
    async fn more(&mut self) -> Result<(), Failed> {
        let (body, events) = match &mut self.source {
            Source::Openai { body, events, .. } | Source::Anthropic { body, events, .. } => (body, events),
            Source::Ready => {
                self.ended = true;
                return Ok(());
            }
        };
        let mut heard = Vec::new();
        match body.frame().await {
            Some(Ok(frame)) => {
                let Ok(bytes) = frame.into_data() else { return Ok(()) };
                events.push(&bytes, &mut heard).map_err(|garbled| Failed::lost(garbled.to_string()))?;
            }
            Some(Err(_)) => return Err(Failed::lost("the stream broke off")),
            None => {
                self.closed = true;
                // Some leave out the empty line behind the last event. A text that was cut is neither JSON nor the last word.
                events.finish(&mut heard).map_err(|garbled| Failed::lost(garbled.to_string()))?;
            }
        }
        heard.iter().try_for_each(|event| match &self.source {
            Source::Anthropic { .. } => self.convert(event),
            Source::Openai { .. } | Source::Ready => self.hear(event),
        })
    }

    /// A message of Anthropic's has an end of its own, and is none without it.
    fn lacks_its_end(&self) -> bool {
        match &self.source {
            Source::Anthropic { chunks, .. } => !chunks.is_complete(),
            Source::Openai { .. } | Source::Ready => false,
        }
    }

    fn convert(&mut self, event: &Event) -> Result<(), Failed> {
        let Source::Anthropic { chunks, secrets, .. } = &mut self.source else { return Ok(()) };
        if self.ended {
            return Ok(());
        }
        for chunk in chunks.push(event).map_err(|garbled| Failed::unread(&garbled, secrets))? {
            match openai::read(chunk.to_string().as_bytes()) {
                Ok(Read::Piece(piece)) => self.waiting.push_back(*piece),
                Ok(Read::Complaint(_)) | Err(_) => return Err(Failed::lost("expected a chunk of an answer")),
            }
        }
        self.ended = chunks.is_complete();
        Ok(())
    }

    fn secrets(&self) -> &[Secret] {
        match &self.source {
            Source::Openai { secrets, .. } | Source::Anthropic { secrets, .. } => secrets,
            Source::Ready => &[],
        }
    }

    fn hear(&mut self, event: &Event) -> Result<(), Failed> {
        if self.ended || event.text.trim().is_empty() {
            return Ok(());
        }
        if event.text.trim() == DONE {
            self.ended = true;
            let waiting_ends = self.waiting.iter().any(|piece| !piece.finished.is_empty());
            if !self.any_finished && !waiting_ends {
                return Err(Failed::lost("the stream said it was done before the answer was"));
            }
            return Ok(());
        }
        match openai::read(event.text.as_bytes()) {
            Ok(Read::Piece(piece)) => self.waiting.push_back(*piece),
            Ok(Read::Complaint(error)) => return Err(Failed::in_answer(&error, self.secrets())),
            Err(Garbled(complaint)) => return Err(Failed::lost(complaint)),
        }
        Ok(())
    }
}
