//! The choices of a generator, read from the bytes of an input. Zero is always the plainest choice, and what is not
//! there is zero: a shorter input, or one with more zeros, is a simpler one, by which failures are shrunk.

/// Bytes that parsers treat in a way of their own.
const TELLING: &[u8] =
    b"\0\t\n\r \"#%&'()*+,-./0:;<=>?@A[\\]^_`az{|}~\x7f\x80\xa0\xad\xbf\xc0\xc3\xe2\xff";

/// What is left of an input.
pub(crate) struct Choices<'a> {
    bytes: std::slice::Iter<'a, u8>,
}

impl<'a> Choices<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self {
            bytes: bytes.iter(),
        }
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.bytes.next().copied().unwrap_or(0)
    }

    /// A number below `end`, which is at least 1.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let low = usize::from(self.byte());
        if end <= 256 {
            return low % end;
        }
        (low | usize::from(self.byte()) << 8) % end
    }

    /// True once in so many times.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    pub(crate) fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }

    /// One small change of a text.
    pub(crate) fn edit(&mut self, text: &mut Vec<u8>) {
        let at = self.below(text.len() + 1);
        let here = at.min(text.len().saturating_sub(1));
        match self.below(8) {
            0 => text.insert(at, *self.pick(TELLING)),
            _ if text.is_empty() => text.push(self.byte()),
            1 => text[here] ^= 1 << self.below(8),
            2 => text[here] = *self.pick(TELLING),
            3 => {
                text.remove(here);
            }
            4 => text.truncate(at),
            5 => {
                let end = (here + 1 + self.below(16)).min(text.len());
                let again = text[here..end].to_vec();
                text.splice(here..here, again);
            }
            6 => {
                let other = self.below(text.len());
                text.swap(here, other);
            }
            _ => text[here] ^= 0x20,
        }
    }
}
