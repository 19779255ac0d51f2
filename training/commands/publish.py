"""`python -m training publish`: put a bundle on the Hugging Face Hub."""

from typing import Annotated

import typer

from training.commands.arguments import BundleArgument, find_folder


def publish(
    bundle: BundleArgument,
    repo: Annotated[
        str, typer.Option(metavar="OWNER/NAME", help="The model repository; made if there is none.")
    ],
    private: Annotated[
        bool, typer.Option("--private", help="Only you and your organisation may see it.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the files and the card, and talk to nobody.")
    ] = False,
) -> None:
    """Put a bundle on the Hugging Face Hub in one commit; print the setting that pins it last.

    Every file is checked against the bundle's spec first. The token is that of HF_TOKEN, or of
    `hf auth login`, and must have the right to write.

    \b
    Examples:
      python -m training publish models/cnn --repo OWNER/second-look-cnn --dry-run
      HF_TOKEN=... python -m training publish cnn --repo OWNER/second-look-cnn --private
    """
    from fer_core.networks.hub import variable_of
    from training.bundle.publish import prepare
    from training.bundle.publish import publish as upload

    publication = prepare(find_folder(bundle), repo)
    for name, size in publication.sizes.items():
        typer.echo(f"{size:>12,} {name}", err=not dry_run)
    if dry_run:
        typer.echo(f"\n{publication.card}", nl=False)
        return
    pin = upload(publication, private=private)
    name = variable_of(publication.bundle.spec.name)
    typer.echo(f"{name}={pin.repo}@{pin.revision}")
