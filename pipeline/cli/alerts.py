"""`candlelake alerts`: whether the channels for alerts accept a message."""

from typing import TYPE_CHECKING

import typer

from pipeline.cli.terminal import one_line, out
from pipeline.errors import SettingsError

if TYPE_CHECKING:
    from pipeline.alerts.channels import Channel
    from pipeline.alerts.wording import Message

app = typer.Typer(no_args_is_help=True, help="Check the channels for alerts.")


@app.callback()
def alerts() -> None:
    """Check the channels for alerts."""


@app.command("test")
def test_channels() -> None:
    """Send a test message to every channel of CANDLELAKE_ALERTS, and report the results."""
    from pipeline.alerts.channels import channels_of
    from pipeline.settings import load_settings

    addresses = load_settings().alerts
    if not addresses:
        raise SettingsError(
            "No channel is set.", remedy="Put its address into CANDLELAKE_ALERTS: docs/alerts.md says how to write it."
        )
    channels = channels_of(addresses)
    width = max(len(channel.name) for channel in channels)
    if not all([is_reached(channel, width) for channel in channels]):  # noqa: C419 (all are tried)
        raise typer.Exit(1)


def is_reached(channel: "Channel", width: int) -> bool:
    """Send the test message to a channel, report the result in a line, and return whether it was accepted."""
    from rich.text import Text

    failure = channel.send(message())
    mark = ("FAIL", "bold red") if failure else ("ok  ", "green")
    out().print(Text.assemble(mark, f"  {one_line(channel.name):<{width}}  {failure or 'took the test message'}"))
    return not failure


def message() -> "Message":
    """Return the test message: short, in the form of real messages."""
    from pipeline.alerts.wording import Line, Message, Section

    words = Line("This is a test:", "candidates", "and sell signals of every session will come here.")
    return Message("candlelake", (Section("Alerts", (words,)),))
