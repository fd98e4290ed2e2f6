"""Recurrent layers along time for each key of a keyboard, which hear the keys around it."""

from __future__ import annotations

from torch import Tensor, nn

from audio_rnn.models.recurrent import RecurrentConfig, RecurrentStack, State
from audio_rnn.models.sequence import SequenceDropout

NARROW = 16  # values that each key tells those around it, where it has more


class KeyLayer(nn.Module):
    """A convolution over keys, then a recurrent network along time for each key.

    All keys share the weights of both (Johnson 2017). The input is added to the output where their
    widths agree; dropout, on the output, leaves out the same values in all frames.
    """

    def __init__(self, config: RecurrentConfig, inputs: int, reach: int) -> None:
        """Each key hears its own values and what `reach` keys to either side tell of theirs."""
        super().__init__()
        narrow = min(inputs, NARROW)
        self.tell = nn.Conv1d(inputs, narrow, 1) if narrow < inputs else nn.Identity()
        self.hear = nn.Conv1d(narrow, config.hidden, 2 * reach + 1, padding=reach)
        self.own = nn.Conv1d(inputs, config.hidden, 1, bias=False)
        self.recurrent = RecurrentStack(config, config.hidden)
        self.dropout = SequenceDropout(config.dropout)
        self.residual = inputs == config.hidden

    def forward(
        self, x: Tensor, lengths: Tensor, state: list[State] | None, context: Tensor | float = 0.0
    ) -> tuple[Tensor, list[State]]:
        """Run along all frames.

        Args:
            x: (batch, frames, inputs, keys).
            lengths: (batch,) valid frames.
            state: what an earlier call returned, to go on where it stopped.
            context: added to what is heard, (batch, keys, frames, hidden) or what broadcasts to it.

        Returns:
            (batch, frames, hidden, keys), and the state.
        """
        batch, frames, _, keys = x.shape
        values = x.flatten(0, 1)
        heard = self.hear(self.tell(values)) + self.own(values)
        heard = heard.unflatten(0, (batch, frames)).permute(0, 3, 1, 2)
        rows = (heard + context).relu().flatten(0, 1)  # (batch * keys, frames, hidden)
        y, state = self.recurrent(rows, lengths.repeat_interleave(keys), state)
        y = self.dropout(y).unflatten(0, (batch, keys)).permute(0, 2, 3, 1)
        return (x + y if self.residual else y), state
