// @ts-check
// Photo formats by their first bytes: the rules of analyzer/app/vision/formats.json, to which all programs keep.

/** Largest photo, in bytes. */
export const LARGEST_PHOTO_BYTES = 10 * 1024 * 1024;

/** So many bytes are enough to tell a type. */
export const HEAD_BYTES = 64;

/** Media types of the formats that are analysed. */
export const ACCEPTED = ["image/jpeg", "image/png", "image/webp", "image/heic"];

/** By media type: bytes, as Latin-1, and where they stand. @type {[string, ...[number, string][]][]} */
const MAGIC = [
  ["image/jpeg", [0, "\xff\xd8\xff"]],
  ["image/png", [0, "\x89PNG\r\n\x1a\n"]],
  ["image/webp", [0, "RIFF"], [8, "WEBP"]],
  ["image/gif", [0, "GIF8"]],
  ["image/bmp", [0, "BM"]],
  ["image/tiff", [0, "II*\0"]],
  ["image/tiff", [0, "MM\0*"]],
  ["image/vnd.adobe.photoshop", [0, "8BPS"]],
  ["application/pdf", [0, "%PDF"]],
  ["image/jxl", [0, "\0\0\0\x0cJXL "]],
  ["image/jxl", [0, "\xff\x0a"]],
];

const HEIC_BRANDS = ["heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs"];
const AVIF_BRANDS = ["avif", "avis"];
/** A file of these says what it is among its compatible brands. */
const GENERAL_BRANDS = ["mif1", "mif2", "msf1"];

/**
 * Tells a photo's type from its first bytes, because names and declared types are often wrong or missing
 * (HEIC files have none in most browsers).
 *
 * @param {Uint8Array} file its first `HEAD_BYTES` or more
 * @returns {string | null} a media type, also of images that are not accepted; null when it is no image
 */
export function sniffImageType(file) {
  const head = String.fromCharCode(...file.slice(0, HEAD_BYTES));
  if (head.startsWith("ftyp", 4) && head.length >= 12) return typeOfBrands(head);
  for (const [type, ...parts] of MAGIC) {
    if (parts.every(([offset, magic]) => head.startsWith(magic, offset))) return type;
  }
  return null;
}

/**
 * Tells HEIC from AVIF and from films, by brands (ISO/IEC 14496-12, 4.3; ISO/IEC 23008-12, 10).
 *
 * @param {string} head
 */
function typeOfBrands(head) {
  const major = head.slice(8, 12);
  if (HEIC_BRANDS.includes(major)) return "image/heic";
  if (AVIF_BRANDS.includes(major)) return "image/avif";
  if (!GENERAL_BRANDS.includes(major)) return "video/mp4";
  const length = [0, 1, 2, 3].reduce((sum, at) => sum * 256 + head.charCodeAt(at), 0);
  const compatible = head.slice(16, length).match(/.{4}/gs) ?? [];
  const has = (/** @type {string[]} */ brands) => compatible.some((brand) => brands.includes(brand));
  return has(AVIF_BRANDS) && !has(HEIC_BRANDS) ? "image/avif" : "image/heic";
}
