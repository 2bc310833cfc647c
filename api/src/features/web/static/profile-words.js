// @ts-check
// The words of the profile, in each language that it is shown in. Pure: no network, no DOM.

const ENGLISH = {
  link: "Profile",
  title: "Your profile",
  close: "Close",
  picture: "Your picture",
  choosePicture: "Choose a picture",
  removePicture: "Remove it",
  nickname: "Nickname",
  nicknameHint: "2 to 20 letters or digits",
  bio: "About you",
  bioHint: "At most 100 characters",
  save: "Save",
  noColour: "No season yet: find it with a selfie",
  SPRING: "Spring",
  SUMMER: "Summer",
  AUTUMN: "Autumn",
  WINTER: "Winter",
  export: "Download my data",
  delete: "Delete everything",
  confirmDelete: "Really delete everything? Press once more",
  saved: "Saved",
  pictureWait: "The picture is being prepared",
  pictureReady: "This is your picture now",
  pictureGone: "The picture is removed",
  deleting: "Everything is being deleted",
  deleted: "Everything is deleted",
  downloaded: "Your data are in the downloaded file",
  nickname_taken: "Somebody else has this nickname",
  nickname_invalid: "A nickname has 2 to 20 letters or digits",
  UNSUPPORTED_FORMAT: "Choose a JPEG, PNG or WebP picture",
  NOT_AN_IMAGE: "This file cannot be read as a picture",
  IMAGE_TOO_LARGE: "This picture is too large",
  failed: "That did not work. Please try again",
};

/** @typedef {typeof ENGLISH} Words */

/** @type {Words} */
const KOREAN = {
  link: "프로필",
  title: "내 프로필",
  close: "닫기",
  picture: "내 사진",
  choosePicture: "사진 선택",
  removePicture: "사진 삭제",
  nickname: "닉네임",
  nicknameHint: "2~20자의 글자와 숫자",
  bio: "소개",
  bioHint: "100자 이내",
  save: "저장",
  noColour: "아직 퍼스널 컬러가 없어요. 셀카로 찾아보세요",
  SPRING: "봄",
  SUMMER: "여름",
  AUTUMN: "가을",
  WINTER: "겨울",
  export: "내 데이터 내려받기",
  delete: "모두 삭제",
  confirmDelete: "정말 모두 삭제할까요? 한 번 더 눌러 주세요",
  saved: "저장했어요",
  pictureWait: "사진을 준비하고 있어요",
  pictureReady: "사진을 바꿨어요",
  pictureGone: "사진을 지웠어요",
  deleting: "모두 삭제하고 있어요",
  deleted: "모두 삭제했어요",
  downloaded: "데이터를 파일로 내려받았어요",
  nickname_taken: "이미 사용 중인 닉네임이에요",
  nickname_invalid: "닉네임은 2~20자의 글자와 숫자예요",
  UNSUPPORTED_FORMAT: "JPEG, PNG, WebP 사진을 선택해 주세요",
  NOT_AN_IMAGE: "사진으로 읽을 수 없는 파일이에요",
  IMAGE_TOO_LARGE: "사진이 너무 커요",
  failed: "잘 되지 않았어요. 다시 시도해 주세요",
};

/**
 * The words in the first language that is known; English where none is.
 *
 * @param {readonly string[]} languages BCP 47 tags, the preferred first
 * @returns {{ language: "en" | "ko", words: Words }}
 */
export function profileWords(languages) {
  const known = languages.map((tag) => tag.toLowerCase().split("-")[0]).find((tag) => tag === "ko" || tag === "en");
  return known === "ko" ? { language: "ko", words: KOREAN } : { language: "en", words: ENGLISH };
}

/**
 * What to say of an error by its code.
 *
 * @param {Words} words
 * @param {string | null | undefined} code
 */
export function profileProblem(words, code) {
  switch (code) {
    case "nickname_taken":
    case "nickname_invalid":
    case "UNSUPPORTED_FORMAT":
    case "NOT_AN_IMAGE":
    case "IMAGE_TOO_LARGE":
      return words[code];
    default:
      return words.failed;
  }
}
