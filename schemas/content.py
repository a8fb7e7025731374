"""Owns the five tables of content found beside ads: posts, videos, photos, pages, Instagram media.

Each is read by id, never listed. Asked for are the fields of the present page; the older one also had
`child_media_ids`, `child_media_fbids` and `update_time` for Instagram, and one field that is gone would fail the whole
call (graph-api.md 4.6). Addresses of pictures and videos are signed and expire within days.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from schemas.columns import ORIGIN, Column, Kind, Table

PAGE = (
    "https://developers.facebook.com/documentation/ads-commerce/marketing-api/brand-safety-and-suitability/"
    "feed-verification"
)
PARTITION = ("seen_by_id",)

_TEXT, _INSTANT, _JSON, _COUNT = Kind.TEXT, Kind.INSTANT, Kind.JSON, Kind.COUNT
_EXPIRES = "signed, expires"
_TIMES = (("created_time", _INSTANT, "When it was published"), ("updated_time", _INSTANT, "When it was changed last"))
_SEEN_BY = Column("seen_by_id", _TEXT, "Business, or ad set of an ad-set report, beside whose ads it was seen first")
_EXTRA = Column("extra", _JSON, "What the object carried and no column declares")
_NOT_ASKED = frozenset({"extra", *PARTITION, *(column.name for column in ORIGIN)})


@dataclass(frozen=True, slots=True)
class ContentTable:
    """One table of content, and what is asked of each of its objects."""

    table: Table

    @property
    def fields(self) -> str:
        """The text of `fields=`, in the table's order: `id,message,from{id,name}`."""
        columns = [column for column in self.table.columns if column.name not in _NOT_ASKED]
        names = dict.fromkeys(column.where[0] for column in columns)
        return ",".join(
            _selection(name, [c.where[1] for c in columns if c.where[0] == name != c.name]) for name in names
        )


def _selection(name: str, members: list[str]) -> str:
    return f"{name}{{{','.join(members)}}}" if members else name


def _columns(*columns: tuple[str, Kind, str]) -> tuple[Column, ...]:
    return tuple(Column(name, kind, meaning, source=PAGE) for name, kind, meaning in columns)


def _from(whom: str) -> tuple[Column, ...]:
    return (
        Column("from_id", _TEXT, f"{whom} that published it", source=PAGE, path=("from", "id")),
        Column("from_name", _TEXT, f"Name of that {whom.lower()}", source=PAGE, path=("from", "name")),
    )


def _table(name: str, meaning: str, *columns: Column) -> ContentTable:
    return ContentTable(Table(name, meaning, (columns[0], _SEEN_BY, *columns[1:], _EXTRA, *ORIGIN), ("id",), PARTITION))


CONTENT_POSTS = _table(
    "content_posts",
    "Facebook posts seen beside ads, and those that they share, as last seen",
    *_columns(
        ("id", _TEXT, "Post: its owner's id, an underscore, its content id"),
        ("message", _TEXT, "Text of the post"),
        ("message_tags", _JSON, "Whom and what the text names"),
        ("permalink_url", _TEXT, "Address of the post"),
        *_TIMES,
    ),
    *_from("Profile"),
    *_columns(("attachments", _JSON, f"Pictures, videos and links in it, each with its target; addresses {_EXPIRES}")),
)
CONTENT_VIDEOS = _table(
    "content_videos",
    "Facebook videos seen beside ads or attached to posts there, as last seen",
    *_columns(
        ("id", _TEXT, "Video"),
        ("description", _TEXT, "Text beside the video"),
        ("permalink_url", _TEXT, "Address of the video, relative to https://www.facebook.com"),
        *_TIMES,
    ),
    *_from("Profile"),
    *_columns(
        ("source", _TEXT, f"Address of the video's file; {_EXPIRES}"),
        ("picture", _TEXT, f"Address of a picture of it; {_EXPIRES}"),
    ),
)
CONTENT_PHOTOS = _table(
    "content_photos",
    "Facebook photos attached to posts that were seen beside ads, as last seen",
    *_columns(
        ("id", _TEXT, "Photo"),
        ("name", _TEXT, "Text beside the photo"),
        ("alt_text", _TEXT, "What the photo shows, for those who cannot see it"),
        *_TIMES,
    ),
    *_from("Profile"),
    *_columns(("picture", _TEXT, f"Address of the photo; {_EXPIRES}")),
)
CONTENT_PAGES = _table(
    "content_pages",
    "Facebook pages that own content seen beside ads, as last seen",
    *_columns(
        ("id", _TEXT, "Page"),
        ("name", _TEXT, "Name of the page"),
        ("about", _TEXT, "What the page says of itself"),
        ("category", _TEXT, "Category, such as Restaurant"),
        ("link", _TEXT, "Address of the page"),
    ),
    Column("business_id", _TEXT, "Business that the page belongs to", source=PAGE, path=("business", "id")),
    Column("business_name", _TEXT, "Name of that business", source=PAGE, path=("business", "name")),
)
CONTENT_IG_MEDIA = _table(
    "content_ig_media",
    "Instagram media seen beside ads, as last seen",
    *_columns(
        ("id", _TEXT, "Instagram media"),
        ("username", _TEXT, "User that published it"),
        ("caption", _TEXT, "Caption, without @"),
        ("media_type", _TEXT, "CAROUSEL_ALBUM, IMAGE or VIDEO"),
        ("media_product_type", _TEXT, "AD, FEED, STORY or REELS"),
        ("timestamp", _INSTANT, "When it was published"),
        ("permalink", _TEXT, "Address of the media"),
        ("shortcode", _TEXT, "Short code in that address"),
        ("like_count", _COUNT, "Likes; NULL if the owner hides them"),
        ("comments_count", _COUNT, "Comments with their replies"),
        ("is_comment_enabled", Kind.FLAG, "Whether it can be commented on"),
        ("media_url", _TEXT, f"Address of the file; {_EXPIRES}"),
        ("thumbnail_url", _TEXT, f"Address of a video's thumbnail; {_EXPIRES}"),
    ),
)

CONTENT_TABLES: Mapping[str, ContentTable] = MappingProxyType(
    {
        known.table.name: known
        for known in (CONTENT_POSTS, CONTENT_VIDEOS, CONTENT_PHOTOS, CONTENT_IG_MEDIA, CONTENT_PAGES)
    }
)
"""The five tables by name, in the order in which they are looked up: posts first, as they lead to videos and photos."""
