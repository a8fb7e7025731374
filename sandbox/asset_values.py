"""Owns what asset breakdowns print: an object for each kind of asset, a plain string for formats (2.7.5)."""

from typing import Any


def asset_value(name: str, number: str) -> Any:
    """Return the printed value of an asset breakdown; `number` tells the assets of a kind apart."""
    asset_id = f"12020990000000{len(name):02}{number}"
    if name in {"body_asset", "title_asset", "description_asset"}:
        return {"text": f'{name[:-6].capitalize()} text {number}, with "quotes"', "id": asset_id}
    if name == "image_asset":
        url = f"https://cdn.example.com/{number}.jpg?sig=1"
        return {"hash": f"{int(number):032x}", "url": url, "id": asset_id, "name": f"image {number}.jpg"}
    if name == "video_asset":
        url = f"https://cdn.example.com/{number}.mp4"
        thumbnail = f"https://cdn.example.com/{number}.png"
        return {
            "video_id": f"98765432101234{number}",
            "url": url,
            "thumbnail_url": thumbnail,
            "video_name": f"video {number}",
            "id": asset_id,
        }
    if name == "link_url_asset":
        return {"website_url": f"https://example.com/{number}", "display_url": "example.com", "id": asset_id}
    if name == "call_to_action_asset":
        return {"name": ("SHOP_NOW", "LEARN_MORE", "SIGN_UP")[int(number) % 3], "id": asset_id}
    return number
