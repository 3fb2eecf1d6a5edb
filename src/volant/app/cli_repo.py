"""The commands `volant repo ...`: keep and serve the two repositories that a car takes its updates from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from volant.app.cli_parts import PLAIN, JsonOption

repo_app = typer.Typer(
    **PLAIN, help="Keep and serve the repositories that a car's updates come from."
)

car_app = typer.Typer(**PLAIN, help="Cars of a folder.")
repo_app.add_typer(car_app, name="car")

FolderArgument = Annotated[Path, typer.Argument(help="Folder of the repositories.")]
RepositoryArgument = Annotated[str, typer.Argument(help="director or image.")]
VehicleOption = Annotated[str, typer.Option(help="Vehicle id, such as its VIN.")]
OneCarOption = Annotated[
    str | None, typer.Option("--vehicle", help="This car only; default: all that have the unit.")
]
EcuOption = Annotated[
    list[str] | None,
    typer.Option(help="Control unit ID=HARDWARE[,partial]; the first is the primary."),
]
CarUnitsOption = Annotated[
    str | None,
    typer.Option("--car", help="The units of a Volant car, gateway first; `volant cars` lists."),
]
AppOption = Annotated[list[str] | None, typer.Option("--app", help="App as unit app.NAME.")]
KeysOption = Annotated[int, typer.Option("--keys", min=1, max=16, help="How many keys.")]
ThresholdOption = Annotated[int, typer.Option(min=1, max=16, help="How many of them must sign.")]


@repo_app.command()
def init(
    folder: FolderArgument,
    vehicle: Annotated[
        str | None, typer.Option(help="Vehicle id; default with --car: the simulated car's VIN.")
    ] = None,
    ecu: EcuOption = None,
    car: CarUnitsOption = None,
    app: AppOption = None,
    keys: Annotated[
        list[str] | None,
        typer.Option(help="Keys of a role, such as image-root=3:2 (2 of 3 sign); default: one."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a director and an image repository, their keys and the inventory of a car.

    \b
    Examples:
      volant repo init repo --car p7
      volant repo init repo --vehicle VOLANT1 --ecu gateway=gw-a --ecu brake=brk-a,partial
      volant repo init repo --car p7 --keys image-root=3:2
    """
    from volant.app.repo_command import init_command

    raise typer.Exit(
        init_command(folder, vehicle, ecu or [], car, app or [], keys or [], as_json=as_json)
    )


@car_app.command("add")
def add_car(
    folder: FolderArgument,
    vehicle: VehicleOption,
    ecu: EcuOption = None,
    car: CarUnitsOption = None,
    app: AppOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give one more car a director in the folder: other units and offers, the same keys and images.

    \b
    Example:
      volant repo car add repo --vehicle VOLANT2 --car p7
    """
    from volant.app.repo_command import add_car_command

    raise typer.Exit(add_car_command(folder, vehicle, ecu or [], car, app or [], as_json=as_json))


@repo_app.command()
def add(
    folder: FolderArgument,
    files: Annotated[list[str], typer.Argument(help="Image, or ECU=IMAGE, one or more.")],
    ecu: Annotated[
        list[str] | None, typer.Option(help="Control unit of an IMAGE without one.")
    ] = None,
    vehicle: OneCarOption = None,
    name: Annotated[str | None, typer.Option(help="Name; default: that of the file.")] = None,
    counter: Annotated[
        int | None,
        typer.Option(
            min=0, help="Release counter; default: one more than any image of this hardware has."
        ),
    ] = None,
    title: Annotated[str | None, typer.Option(help="What people read of the update.")] = None,
    change: Annotated[
        list[str] | None, typer.Option(help="What becomes different; may be repeated.")
    ] = None,
    unusable: Annotated[
        list[str] | None, typer.Option(help="What cannot be used meanwhile; may be repeated.")
    ] = None,
    takes: Annotated[
        int, typer.Option(min=0, max=86_400, help="Seconds that installing takes, about.")
    ] = 0,
    role: Annotated[
        list[str] | None, typer.Option(help="Delegated role that signs it; may be repeated.")
    ] = None,
    segment_kib: Annotated[
        int,
        typer.Option("--segment", min=0, max=4096, help="KiB of a delta's segments; 0: no deltas."),
    ] = 2048,
    base: Annotated[
        list[Path] | None, typer.Option(help="One more image that cars may run, for a delta.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Put images into both repositories, signed, and offer them to control units.

    Deltas are made from what cars were heard to run. What people are told of an older offer goes.

    \b
    Examples:
      volant repo add repo brake-2.bin --ecu brake
      volant repo add repo brake=brake-2.bin drive=drive-2.bin --title "Softer stops" \\
          --change "The car stops softer." --unusable "The car" --takes 120
      volant repo add repo brake-1.bin --ecu brake --counter 2     the way back that is allowed
    """
    from volant.app.repo_offer import Wish, add_command, note

    wish = Wish(
        files=files,
        ecus=ecu or (),
        vehicle=vehicle,
        name=name,
        counter=counter,
        note=note(title, change or (), unusable or (), takes),
        roles=role or ("targets",),
        segment_bytes=segment_kib << 10,
        bases=base or (),
    )
    raise typer.Exit(add_command(folder, wish, as_json=as_json))


@repo_app.command()
def withdraw(
    folder: FolderArgument,
    ecu: Annotated[
        list[str] | None, typer.Option(help="Control unit; default: all of them.")
    ] = None,
    vehicle: Annotated[str | None, typer.Option(help="This car only.")] = None,
    image: Annotated[
        list[str] | None,
        typer.Option(help="Take this image out of the image repository too: no car gets it."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Offer control units nothing any more; what a car has installed stays there.

    \b
    Examples:
      volant repo withdraw repo --ecu brake
      volant repo withdraw repo --image brake-3.bin
    """
    from volant.app.repo_offer import withdraw_command

    raise typer.Exit(withdraw_command(folder, ecu or [], vehicle, image or [], as_json=as_json))


@repo_app.command()
def status(folder: FolderArgument, as_json: JsonOption = False) -> None:
    """Say what each car runs by its own signed word, what it is offered, and until when signatures hold.

    \b
    Example:
      volant repo status repo
    """
    from volant.app.repo_status import status_command

    raise typer.Exit(status_command(folder, as_json=as_json))


@repo_app.command()
def bundle(
    folder: FolderArgument,
    out: Annotated[Path, typer.Argument(help="Folder to write, as on a USB stick.")],
    vehicle: Annotated[str | None, typer.Option(help="For this car; default: the first.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write all that a car needs for its update into a folder, signed as always.

    \b
    Example:
      volant repo bundle repo /media/stick
    """
    from volant.app.repo_bundle import bundle_command

    raise typer.Exit(bundle_command(folder, out, vehicle, as_json=as_json))


@repo_app.command()
def sign(
    folder: FolderArgument,
    file: Annotated[
        Path | None, typer.Option(help="Add one signature to this metadata file instead.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="Private key (PEM) for --file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Sign timestamps and snapshots anew, as a repository does every day.

    \b
    Examples:
      volant repo sign repo
      volant repo sign repo --file 2.root.json --key second-keeper.pem
    """
    from volant.app.repo_command import sign_command

    raise typer.Exit(sign_command(folder, file, key, as_json=as_json))


@repo_app.command()
def key(
    file: Annotated[Path, typer.Argument(help="Private key to make, such as mine.pem.")],
    as_json: JsonOption = False,
) -> None:
    """Make a key of one's own, and beside it its public half for whoever makes the root.

    \b
    Example:
      volant repo key mine.pem
    """
    from volant.app.repo_command import key_command

    raise typer.Exit(key_command(file, as_json=as_json))


@repo_app.command()
def rotate(
    folder: FolderArgument,
    repository: RepositoryArgument,
    role: Annotated[str, typer.Argument(help="root, timestamp, snapshot or targets.")],
    keys: KeysOption = 1,
    threshold: ThresholdOption = 1,
    token: Annotated[
        str | None, typer.Option(help="Label of a PKCS 11 token that holds the new key.")
    ] = None,
    token_key: Annotated[int, typer.Option(min=0, help="Id of the key in the token.")] = 2,
    public: Annotated[
        list[Path] | None,
        typer.Option(help="Public key (PEM) of somebody who signs elsewhere; may be repeated."),
    ] = None,
    draft: Annotated[
        bool, typer.Option("--draft", help="Only make the root, for its keepers to sign.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Give a role new keys, and publish the root that says so.

    \b
    Examples:
      volant repo rotate repo director timestamp
      volant repo rotate repo image root --token keeper --token-key 2
      volant repo rotate repo image root --public ann.pub.pem --public bob.pub.pem \\
          --threshold 2 --draft
    """
    from volant.app.repo_rotate import NewRole, rotate_command

    wish = NewRole(
        repository=repository,
        role=role,
        count=keys,
        threshold=threshold,
        token=(token, token_key) if token else None,
        public=public or (),
        draft=draft,
    )
    raise typer.Exit(rotate_command(folder, wish, as_json=as_json))


@repo_app.command()
def publish(
    folder: FolderArgument, repository: RepositoryArgument, as_json: JsonOption = False
) -> None:
    """Publish a drafted root that has all its signatures, and what its role signs.

    \b
    Example:
      volant repo publish repo image
    """
    from volant.app.repo_rotate import publish_command

    raise typer.Exit(publish_command(folder, repository, as_json=as_json))


@repo_app.command()
def delegate(
    folder: FolderArgument,
    role: Annotated[str, typer.Argument(help="Name of the role, such as that of a supplier.")],
    hardware: Annotated[list[str], typer.Option(help="Hardware id; may be repeated.")],
    path: Annotated[
        list[str] | None, typer.Option(help="Names of images, such as 'brake-*'; default: all.")
    ] = None,
    keys: KeysOption = 1,
    threshold: ThresholdOption = 1,
    terminating: Annotated[
        bool, typer.Option("--terminating", help="Nobody after it is asked for these images.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Let a role sign images of some names for some hardware in the image repository.

    \b
    Example:
      volant repo delegate repo brakes-inc --path 'brake-*' --hardware brk-a --keys 2 --threshold 2
    """
    from volant.app.repo_rotate import delegate_command

    raise typer.Exit(
        delegate_command(
            folder,
            role,
            paths=path or ["*"],
            hardware=hardware,
            count=keys,
            threshold=threshold,
            terminating=terminating,
            as_json=as_json,
        )
    )


@repo_app.command()
def group(
    folder: FolderArgument,
    role: Annotated[list[str], typer.Option(help="Delegated role; two or more.")],
    agree: Annotated[int, typer.Option(min=1, max=256, help="How many of them must agree.")],
    hardware: Annotated[list[str], typer.Option(help="Hardware id; may be repeated.")],
    path: Annotated[list[str] | None, typer.Option(help="Names of images; default: all.")] = None,
    terminating: Annotated[
        bool, typer.Option("--terminating", help="Nobody after them is asked for these images.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Let an image pass only where several roles agree on it (TAP 3).

    \b
    Example:
      volant repo group repo --role brakes-inc --role test-lab --agree 2 --hardware brk-a
    """
    from volant.app.repo_rotate import group_command, role_group

    found = role_group(role, agree, path or ["*"], hardware, terminating=terminating)
    raise typer.Exit(group_command(folder, found, as_json=as_json))


@repo_app.command()
def serve(
    folder: FolderArgument,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen at.")] = 8760,
) -> None:
    """Serve both repositories over HTTP, hear manifests and sign time.

    \b
    Example:
      volant repo serve repo --port 8760
    """
    from volant.app.repo_serve import serve_command

    raise typer.Exit(serve_command(folder, host, port))


@repo_app.command()
def attacks(as_json: JsonOption = False) -> None:
    """Attack a car in memory in 154 ways and say what came of each.

    \b
    Example:
      volant repo attacks --json
    """
    from volant.app.repo_attacks import attacks_command

    raise typer.Exit(attacks_command(as_json=as_json))
