"""Who may sign an image: U-DEL-1 to U-DEL-4 (Uptane 2.1, 5.4.4.7 and 5.4.4.8)."""

from collections.abc import Sequence

import pytest

from volant.trust.attacks.world import BEGIN_S, key_of, signers_of
from volant.trust.uptane import (
    Attack,
    Keeper,
    Limits,
    RejectedError,
    TrustedRepository,
    answer_from,
    find_target,
    refresh,
    soft_signer,
    target_file,
)
from volant.trust.uptane.delegations import RoleGroup, Search
from volant.trust.uptane.metadata import TARGETS

HARDWARE = "brake-a"


class Shop:
    """An image repository with delegations."""

    def __init__(self) -> None:
        self.keeper = Keeper.create("image", signers_of("image"), now_s=BEGIN_S)
        self.trusted = TrustedRepository("image", self.keeper.published["1.root.json"])
        self.asked: list[str] = []

    def role(
        self,
        name: str,
        paths: Sequence[str] = ("*",),
        hardware: Sequence[str] = (HARDWARE,),
        *,
        by: str = TARGETS,
        terminating: bool = False,
        image: bytes | None = None,
        **custom: object,
    ) -> None:
        signers = [soft_signer(key_of(name))]
        self.keeper.delegate(
            name, signers, paths=paths, hardware_ids=hardware, by=by, terminating=terminating
        )
        if image is not None:
            found = {"hardwareIds": [HARDWARE], "releaseCounter": 1, **custom}
            self.keeper.add(target_file("a.bin", image, found), name)

    def find(self, hardware: str | None = HARDWARE, limits: Limits | None = None) -> int | None:
        """Length of the image that is found, which tells by whom."""
        self.keeper.publish(BEGIN_S, list(self.keeper.targets))
        bounds = limits or Limits()

        def source(fetch):  # type: ignore[no-untyped-def]
            self.asked.append(fetch.name.split(".", 1)[1].removesuffix(".json"))
            return self.keeper.published.get(fetch.name)

        answer_from(refresh(self.trusted, BEGIN_S, bounds), source)
        self.asked.clear()
        search = Search(self.trusted, "a.bin", hardware, BEGIN_S, bounds)
        found = answer_from(search.run(), source)
        return found.length if found else None


def test_u_del_1_the_first_that_lists_the_image_has_the_say() -> None:
    shop = Shop()
    shop.role("one")
    shop.role("two", image=b"22")
    shop.role("three", image=b"333")
    assert shop.find() == 2
    assert shop.asked == ["one", "two"]


def test_u_del_1_depth_comes_before_what_stands_after() -> None:
    shop = Shop()
    shop.role("one")
    shop.role("inner", by="one", image=b"1")
    shop.role("two", image=b"22")
    assert shop.find() == 1
    assert shop.asked == ["one", "inner"]


def test_u_del_1_the_top_level_speaks_first() -> None:
    shop = Shop()
    shop.role("one", image=b"1")
    custom = {"hardwareIds": [HARDWARE], "releaseCounter": 1}
    shop.keeper.add(target_file("a.bin", b"4444", custom))
    assert shop.find() == 4
    assert shop.asked == []


def test_u_del_2_a_terminating_role_ends_the_search() -> None:
    shop = Shop()
    shop.role("one", terminating=True)
    shop.role("two", image=b"22")
    assert shop.find() is None
    assert shop.asked == ["one"]


def test_u_del_2_it_does_not_ask_its_own_delegates_in_uptane_but_does_in_tuf() -> None:
    shop = Shop()
    shop.role("one", terminating=True)
    shop.role("inner", by="one", image=b"1")
    shop.role("two", image=b"22")
    assert shop.find() is None
    assert shop.find(hardware=None) == 1


def test_u_del_2_a_terminating_role_for_other_images_ends_nothing() -> None:
    shop = Shop()
    shop.role("one", paths=["b*"], terminating=True)
    shop.role("two", image=b"22")
    assert shop.find() == 2


@pytest.mark.parametrize(
    ("paths", "hardware", "found"),
    [
        (["a.*"], [HARDWARE], 1),
        (["b.*"], [HARDWARE], None),
        (["a.*"], ["seat-a"], None),
        (["a.*"], [], None),
        (["x", "a.bin"], ["seat-a", HARDWARE], 1),
    ],
)
def test_u_del_3_path_and_hardware_must_both_match(
    paths: list[str], hardware: list[str], found: int | None
) -> None:
    shop = Shop()
    shop.role("one", paths, hardware, image=b"1")
    assert shop.find() == found


def test_u_del_3_a_plain_client_knows_no_hardware() -> None:
    shop = Shop()
    shop.role("one", hardware=[], image=b"1")
    assert shop.find(hardware=None) == 1


def group(*roles: str, least: int = 2, terminating: bool = False) -> RoleGroup:
    return RoleGroup(
        roles=roles,
        min_roles_in_agreement=least,
        paths=("a.*",),
        hardware_ids=(HARDWARE,),
        terminating=terminating,
    )


def test_u_del_4_enough_roles_must_agree() -> None:
    shop = Shop()
    shop.role("maker", image=b"22")
    shop.role("tester", image=b"22")
    shop.keeper.group(group("maker", "tester"))
    assert shop.find() == 2


def test_u_del_4_without_agreement_the_search_goes_on() -> None:
    shop = Shop()
    shop.role("maker", image=b"22")
    shop.role("tester", image=b"333")
    shop.role("other", image=b"4444")
    shop.keeper.group(group("maker", "tester"))
    assert shop.find() == 4


def test_u_del_4_a_terminating_group_ends_it() -> None:
    shop = Shop()
    shop.role("maker", image=b"22")
    shop.role("tester", image=b"333")
    shop.role("other", image=b"4444")
    shop.keeper.group(group("maker", "tester", terminating=True))
    assert shop.find() is None


def test_u_del_4_of_two_agreements_the_one_with_the_first_role() -> None:
    shop = Shop()
    for name, image in (("a", b"22"), ("b", b"333"), ("c", b"333"), ("d", b"22")):
        shop.role(name, image=image)
    shop.keeper.group(group("a", "b", "c", "d"))
    assert shop.find() == 2


def test_u_del_4_custom_data_that_need_not_match_may_differ() -> None:
    shop = Shop()
    shop.role("maker", image=b"22", note="made")
    shop.role("tester", image=b"22", note="tested")
    shop.keeper.group(group("maker", "tester"))
    assert shop.find() == 2


def test_u_del_4_custom_data_that_must_match_may_not() -> None:
    shop = Shop()
    shop.role("maker", image=b"22", releaseCounter=1)
    shop.role("tester", image=b"22", releaseCounter=2)
    shop.keeper.group(group("maker", "tester"))
    assert shop.find() is None


def test_u_del_4_a_member_that_cannot_be_loaded_does_not_agree() -> None:
    shop = Shop()
    for name in ("maker", "tester", "third"):
        shop.role(name, image=b"22")
    shop.keeper.group(group("maker", "tester", "third"))
    shop.keeper.publish(BEGIN_S, list(shop.keeper.targets))
    published = dict(shop.keeper.published)
    version = shop.keeper.targets["tester"].version + 1
    real = shop.keeper.publish

    def publish(now_s: float, roles: Sequence[str] = ()) -> None:
        real(now_s, roles)
        shop.keeper.published[f"{version}.tester.json"] = b"{}"

    shop.keeper.publish = publish  # type: ignore[method-assign]
    assert shop.find() == 2
    assert published


def test_u_del_4_too_few_members_say_why() -> None:
    shop = Shop()
    for name in ("maker", "tester"):
        shop.role(name, image=b"22")
    shop.keeper.group(group("maker", "tester"))
    shop.keeper.signers["tester"] = [soft_signer(key_of("a stranger"))]
    with pytest.raises(RejectedError) as raised:
        shop.find()
    assert (raised.value.attack, raised.value.role) == (Attack.ARBITRARY, "tester")


def test_a_group_that_is_none_is_refused() -> None:
    shop = Shop()
    shop.role("maker", image=b"22")
    delegations = shop.keeper.targets[TARGETS].delegations
    assert delegations is not None
    delegations.unrecognized_fields["multiRoles"] = [{"roles": 3}]
    with pytest.raises(RejectedError, match="multiRoles"):
        shop.find()


def test_a_search_is_bounded() -> None:
    shop = Shop()
    for number in range(40):
        shop.role(f"role{number:02}")
    shop.role("last", image=b"1")
    assert shop.find() is None
    assert len(shop.asked) == Limits().delegations
    assert shop.find(limits=Limits(delegations=50)) == 1


def test_a_circle_ends() -> None:
    shop = Shop()
    shop.role("one")
    shop.role("two", by="one")
    shop.role("one", by="two")
    assert shop.find() is None
    assert shop.asked == ["one", "two"]


def test_a_plain_client_finds_a_target() -> None:
    shop = Shop()
    shop.role("one", image=b"1")
    shop.keeper.publish(BEGIN_S, list(shop.keeper.targets))
    found = answer_from(
        find_target(shop.trusted, "a.bin", BEGIN_S, Limits()),
        lambda fetch: shop.keeper.published.get(fetch.name),
    )
    assert found is not None
    assert found.length == 1
