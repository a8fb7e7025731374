"""Owns the content that stands beside ads: posts, videos, photos, pages, Instagram media (graph-api.md 4.6)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.clock import graph_time
from sandbox.digest import draw, pick

Data = dict[str, Any]

KINDS = ("posts", "videos", "photos", "pages", "ig_media")
_CONTENTS, _OWNERS = 400, 60
_LANGUAGES = (
    *("ar", "bn", "bp", "zh", "en", "fr", "de", "hi", "it", "ja", "pt", "es", "ta", "tr", "vi", "ur"),
    *("en", "en", "es", None),
)
_EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
_WORDS = ("Grüße", "مرحبا", '"quoted"', "line\nbreak", "back\\slash", "📣", "नमस्ते", "plain", "tab\there", "O'Brien")
_CATEGORIES = ("Computer Company", "News & media website", "Restaurant", "Sports team", "Gärtnerei")
_POST_KINDS = ("video", "photo", "album", "share", "link", "none")


@dataclass(frozen=True, slots=True)
class Content:
    """One unit of public content as reports name it."""

    id: str
    owner_id: str
    root_id: str
    root_owner_id: str
    language: str | None
    private: bool
    """True for content whose ids no report tells."""
    facebook_id: str = ""
    facebook_owner_id: str = ""
    """The ids that an Instagram unit has on Facebook as well."""


@dataclass(frozen=True, slots=True)
class Thing:
    """An object that can be looked up, with whether it can be read."""

    kind: str
    id: str
    data: Data
    state: str
    """public, gone, private or forbidden."""


def _number(seed: int, base: int, *words: object) -> str:
    return str(base + draw(seed, *words) % (8 * base))


def _moment(seed: int, *words: object) -> datetime:
    return _EPOCH + timedelta(seconds=draw(seed, "moment", *words) % (900 * 86_400))


def _state(seed: int, kind: str, object_id: str) -> str:
    lot = draw(seed, "state", kind, object_id) % 20
    return {0: "gone", 1: "gone", 2: "private", 3: "forbidden"}.get(lot, "public")


class ContentWorld:
    """All content of a seed; a placement shows its own part of it."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.shown = {
            (platform, position): tuple(self._content(platform, position, index) for index in range(_CONTENTS))
            for platform in ("facebook", "instagram", "threads")
            for position in ("feed", "reels")
        }
        self.things: dict[str, Thing] = {}
        self._furnish()

    def find(self, object_id: str) -> Thing | None:
        """Return what an id names, also in the form `ig_3pv_{id}`."""
        return self.things.get(object_id.removeprefix("ig_3pv_"))

    def _content(self, platform: str, position: str, index: int) -> Content:
        seed, place = self._seed, (platform, position)
        shared = index and draw(seed, "shared", *place, index) % 6 == 0
        root = draw(seed, "root", *place, index) % index if shared else index
        return Content(
            self._content_id(place, index),
            self._owner_id(place, index),
            self._content_id(place, root),
            self._owner_id(place, root),
            pick(_LANGUAGES, seed, "language", *place, index),
            private=draw(seed, "private", *place, index) % 12 == 0,
            facebook_id=_number(seed, 10**16, "facebook", *place, index) if platform == "instagram" else "",
            facebook_owner_id=_number(seed, 10**14, "facebook owner", *place, self._owner(place, index))
            if platform == "instagram"
            else "",
        )

    def _content_id(self, place: tuple[str, str], index: int) -> str:
        return _number(self._seed, 10**16, "content", *place, index)

    def _owner(self, place: tuple[str, str], index: int) -> int:
        return draw(self._seed, "owner of", place[0], place[1], index) % _OWNERS

    def _owner_id(self, place: tuple[str, str], index: int) -> str:
        return _number(self._seed, 10**14, "owner", place[0], self._owner(place, index))

    def _furnish(self) -> None:
        for content in self.shown["facebook", "feed"]:
            self._post(content)
        for content in self.shown["facebook", "reels"]:
            self._add("videos", content.id, self._video(content.id, content.owner_id))
        for content in (*self.shown["instagram", "feed"], *self.shown["instagram", "reels"]):
            self._add("ig_media", content.id, self._media(content.id))
        owners = {content.owner_id for place in ("feed", "reels") for content in self.shown["facebook", place]}
        for owner in sorted(owners):
            self._add("pages", owner, self._page(owner))

    def _add(self, kind: str, object_id: str, data: Data) -> None:
        state = _state(self._seed, kind, object_id)
        self.things[object_id] = Thing(kind, object_id, {**data, "id": object_id}, state)

    def _words(self, *place: object) -> str:
        return " ".join(pick(_WORDS, self._seed, "word", number, *place) for number in range(3))

    def _from(self, owner_id: str) -> Data:
        return {"name": f"Page {owner_id[-3:]} {pick(_WORDS, owner_id)}", "id": owner_id}

    def _times(self, object_id: str) -> Data:
        made = _moment(self._seed, object_id)
        return {"created_time": graph_time(made, "UTC"), "updated_time": graph_time(made + timedelta(days=3), "UTC")}

    def _post(self, content: Content) -> None:
        kind = "share" if content.root_id != content.id else pick(_POST_KINDS, self._seed, "post", content.id)
        attached = self._attachments(kind, content)
        name = f"{content.owner_id}_{content.id}"
        tags = [{"id": "216754038360102", "name": "Techo-Bloc", "type": "page", "offset": 0, "length": 10}]
        data = {
            **({"attachments": {"data": attached}} if attached else {}),
            **self._times(name),
            **({"message": self._words(name)} if draw(name, "message") % 5 else {}),
            **({"message_tags": tags} if draw(name, "tags") % 4 == 0 else {}),
            "from": self._from(content.owner_id),
            "permalink_url": f"https://www.facebook.com/{content.owner_id}/posts/{content.id}/",
        }
        self._add("posts", name, data)

    def _attachments(self, kind: str, content: Content) -> list[Data]:
        if kind == "none":
            return []
        if kind == "video":
            return [self._attached("videos", "video_autoplay", content, 0)]
        if kind in {"photo", "album"}:
            count = 1 if kind == "photo" else 3
            return [self._attached("photos", "photo", content, number) for number in range(count)]
        target = {"url": f"https://example.com/{content.root_id}"}
        found = {"type": kind, "title": self._words(kind, content.id), "url": target["url"]}
        return (
            [{**found, "target": {**target, "id": f"{content.root_owner_id}_{content.root_id}"}}]
            if (kind == "share" and content.root_id != content.id)
            else [found]
        )

    def _attached(self, kind: str, shown_as: str, content: Content, number: int) -> Data:
        target = _number(self._seed, 10**15, kind, content.id, number)
        make = self._video if kind == "videos" else self._photo
        self._add(kind, target, make(target, content.owner_id))
        url = f"https://www.facebook.com/{content.owner_id}/{kind}/{target}/"
        image = {"height": 720, "src": f"https://scontent.example.net/{target}.jpg?oh=1&oe=2", "width": 408}
        source = {"source": f"https://video.example.net/{target}.mp4?oh=1"} if kind == "videos" else {}
        return {
            "media": {"image": image, **source},
            "target": {"id": target, "url": url},
            "title": self._words("title", target),
            "type": shown_as,
            "url": url,
        }

    def _video(self, object_id: str, owner_id: str) -> Data:
        return {
            "permalink_url": f"/{owner_id}/videos/{object_id}/",
            "source": f"https://video.example.net/{object_id}.mp4?oh=1",
            **self._times(object_id),
            "from": self._from(owner_id),
            **({"description": self._words(object_id)} if draw(object_id) % 3 else {}),
            "picture": f"https://scontent.example.net/{object_id}.jpg?oh=1",
        }

    def _photo(self, object_id: str, owner_id: str) -> Data:
        return {
            **({"name": self._words(object_id)} if draw(object_id) % 3 else {}),
            **self._times(object_id),
            "alt_text": "No photo description available.",
            "from": self._from(owner_id),
            "picture": f"https://scontent.example.net/{object_id}.jpg?oh=1",
        }

    def _page(self, owner_id: str) -> Data:
        business = {
            "business": {"id": str(10**14 + draw(owner_id) % 10**14), "name": self._words("business", owner_id)}
        }
        return {
            "name": self._from(owner_id)["name"],
            **({"about": self._words("about", owner_id)} if draw(owner_id, "about") % 3 else {}),
            **(business if draw(owner_id, "business") % 2 else {}),
            "category": pick(_CATEGORIES, owner_id),
            "link": f"https://www.facebook.com/{owner_id}",
        }

    def _media(self, object_id: str) -> Data:
        kind = pick(("CAROUSEL_ALBUM", "IMAGE", "VIDEO"), self._seed, "media", object_id)
        made = _moment(self._seed, object_id)
        code = f"{draw(object_id, 'code'):x}"[:11]
        children = [f"aWd{draw(object_id, number):x}" for number in range(3)] if kind == "CAROUSEL_ALBUM" else []
        return {
            "caption": self._words(object_id),
            "permalink": f"https://www.instagram.com/p/{code}/",
            "shortcode": code,
            **({"thumbnail_url": f"https://ig.example.net/{object_id}.jpg"} if kind == "VIDEO" else {}),
            "timestamp": graph_time(made, "UTC"),
            "media_url": f"https://ig.example.net/{object_id}?oh=1",
            "comments_count": draw(object_id, "comments") % 600,
            **({"like_count": draw(object_id, "likes") % 40_000} if draw(object_id, "hidden") % 5 else {}),
            "media_product_type": pick(("AD", "FEED", "STORY", "REELS"), object_id),
            "media_type": kind,
            **({"child_media_ids": children, "child_media_fbids": children} if children else {}),
            "is_comment_enabled": draw(object_id, "enabled") % 4 > 0,
            "username": f"user_{object_id[-4:]}",
            "update_time": (made + timedelta(days=40)).isoformat(),
        }


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


READABLE: dict[str, frozenset[str]] = {
    "posts": _names("id attachments created_time updated_time message message_tags from permalink_url"),
    "videos": _names("id permalink_url source created_time updated_time from description picture"),
    "photos": _names("id name created_time updated_time alt_text from picture"),
    "pages": _names("id name about business category link"),
    "ig_media": _names("""
    id caption permalink shortcode thumbnail_url timestamp media_url comments_count like_count media_product_type
    media_type is_comment_enabled username child_media_ids child_media_fbids update_time
    """),
}
DEFAULT = {
    "posts": ("created_time", "message"),
    "videos": ("updated_time", "description"),
    "photos": ("created_time", "name"),
    "pages": ("name",),
    "ig_media": (),
}
NODE_TYPES = {
    "posts": "PagePost",
    "videos": "Video",
    "photos": "Photo",
    "pages": "Page",
    "ig_media": "ShadowIGMedia",
}
