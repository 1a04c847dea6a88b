"""The command `holdfast dashboard`."""

import click


@click.command()
@click.option(
    "--db",
    envvar="HOLDFAST_DB",
    default="holdfast.db",
    metavar="PATH",
    help="The database; by default $HOLDFAST_DB, else holdfast.db here.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="An address of this machine.")
@click.option(
    "--port",
    default=8765,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="0 takes any that is free.",
)
def dashboard(db: str, host: str, port: int) -> None:
    """Show in a browser what every run waits for, until SIGTERM or Ctrl-C."""
    from holdfast.client import Client
    from holdfast_dashboard.app import create_app
    from holdfast_dashboard.serving import Server, open_socket
    from holdfast_dashboard.settings import checked_host, existing_database

    place = checked_host(host)
    client = Client(existing_database(db))
    try:
        with open_socket(place, port) as listener:
            server = Server(create_app(client), listener, ready=_say)
            server.serve_forever()
    finally:
        client.close()


def _say(url: str) -> None:
    click.echo(f"dashboard: {url}")
