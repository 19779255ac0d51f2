"""`python -m training publish`: upload a bundle to the Hugging Face Hub."""

from typing import Annotated

import typer

from training.commands.arguments import BundleArgument, find_folder


def publish(
    bundle: BundleArgument,
    repo: Annotated[
        str,
        typer.Option(
            metavar="OWNER/NAME", help="The model repository; created if it does not exist."
        ),
    ],
    private: Annotated[
        bool, typer.Option("--private", help="Create the repository as private.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the files and the card, and upload nothing.")
    ] = False,
) -> None:
    """Upload a bundle to the Hugging Face Hub in one commit.

    Every file is checked against the bundle's spec first. Log in with HF_TOKEN or `hf auth login`; the token
    needs write access. The last line of output is the setting that selects this commit.

    \b
    Examples:
      python -m training publish models/cnn --repo OWNER/second-look-cnn --dry-run
      HF_TOKEN=... python -m training publish cnn --repo OWNER/second-look-cnn --private
    """
    from fer_core.networks.hub import variable_of
    from training.publish import prepare
    from training.publish import publish as upload

    publication = prepare(find_folder(bundle), repo)
    for name, size in publication.sizes.items():
        typer.echo(f"{size:>12,} {name}", err=not dry_run)
    if dry_run:
        typer.echo(f"\n{publication.card}", nl=False)
        return
    pin = upload(publication, private=private)
    name = variable_of(publication.bundle.spec.name)
    typer.echo(f"{name}={pin.repo}@{pin.revision}")
