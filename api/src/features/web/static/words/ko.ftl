### The pages' words in Korean. The server writes them into the HTML (`{{id}}`), the scripts say them (`words.js`).

# The language of these words, as in `lang`.
language = ko

## Both pages

skip = 본문으로 건너뛰기
close = 닫기
cancel = 취소
save = 저장
saved = 저장했어요
more = 더 보기
retry = 다시 시도
profile = 프로필
nickname = 닉네임
bio = 소개
choose-picture = 사진 선택

## The page of the analysis: around it

page-title = ToneUp: 내 퍼스널 컬러 찾기
page-description = 셀카 한 장으로 봄, 여름, 가을, 겨울 중 나의 퍼스널 컬러를 알아보세요.
community = 커뮤니티
your-results = 내 결과
dismiss = 안내 닫기
needs-script = 사진을 준비해서 보내려면 JavaScript가 필요해요. 이 페이지에서 JavaScript를 허용해 주세요.
results-hidden = 이전 세션이 끝나서 지난 결과를 더 이상 볼 수 없어요. 새 세션을 시작했어요.
closing = 사진 한 장으로 본 결과는 정답이 아니라 좋은 힌트예요. 빛과 카메라, 메이크업에 따라 달라질 수 있으니 마음에 드는 색을 즐겨 입으세요.

## The page of the analysis: choosing photos

start-title = 나는 어떤 계절일까요?
start-lede = 봄, 여름, 가을, 겨울. 셀카 한 장이면 내 얼굴을 살려 주는 색을 알 수 있어요.
tips = 더 정확한 결과를 위한 팁
tip-light = 자연광에서
tip-light-text = 창문을 마주 보고 찍어 주세요. 조명 아래에서는 피부색이 달라져요.
tip-close = 혼자, 가까이에서
tip-close-text = 정면을 보고, 얼굴이 사진의 3분의 1쯤 차지하게 찍어 주세요.
tip-bare = 있는 그대로
tip-bare-text = 필터는 끄고, 메이크업은 되도록 가볍게 해 주세요.
photo-of-face = 얼굴 사진
camera-photo-of-face = 카메라로 찍은 얼굴 사진
choose-title = 셀카로 시작해 보세요
drop-hint = 사진을 여기에 끌어다 놓거나
choose-photo = 사진 선택
take-photo = 사진 찍기
photo-formats = JPEG, PNG, WebP, HEIC · 최대 10MB
privacy = 사진은 비공개 저장소로 바로 전송되어 분석에만 쓰이고, 자동으로 삭제돼요.
ready-title = 준비됐어요
find-season-now = 내 퍼스널 컬러 찾기
other-photo = 다른 사진
photo-chosen = 사진을 골랐어요: { $photo }
unnamed-photo = 사진
add-photo = 다른 빛에서 찍은 사진 추가
add-photo-hint = 본인 사진을 다섯 장까지 함께 분석할 수 있어요. 여러 빛에서 찍은 사진이 있으면 더 정확해져요.
your-photos = 내 사진
photos-of-you = 내 사진 { $count }장
remove-photo = { $number }번 사진 빼기, { $name }
photo-removed = { $number }번 사진을 뺐어요

## The page of the analysis: on the way

progress = 진행 단계
step-upload = 업로드
step-queued = 대기
step-running = 분석
step-done = 결과
stop-upload = 업로드 멈추기
uploading-photos = 사진을 올리고 있어요
connection-shaky = 연결이 불안정해요
trying-again = { $duration } 후에 자동으로 다시 시도해요
queue = 순서를 기다리고 있어요
queue-next = 바로 다음 차례예요
queue-place = { $place }번째로 기다리고 있어요
queue-left = { $duration } 남았어요
queue-again = 첫 시도가 잘 되지 않아서 다시 분석하고 있어요.
reading = 나의 색을 분석하고 있어요
reading-text = 몇 초면 끝나요.
connecting-again = 다시 연결하고 있어요
connecting-again-text = 사진은 잘 받았어요. 연결되면 바로 여기에 결과를 보여 드릴게요.
one-moment = 잠시만요
fetching = 분석을 불러오고 있어요
duration-moment = 몇 초
duration-seconds = 약 { $count }초
duration-minutes = 약 { $count }분
duration-hours = 약 { $count }시간

# What is said of notifications, and what the button offers.
notify-off = 여기서 기다리지 않아도 돼요.
    .button = 결과가 나오면 알림 받기
notify-busy = 잠시만요
notify-on = 결과가 나오면 이 기기로 알려 드려요. 페이지를 닫아도 괜찮아요.
    .button = 알림 끄기
notify-blocked = 이 페이지의 알림이 차단되어 있어요. 브라우저 설정에서 허용할 수 있어요.
notify-failed = 이 브라우저에서 알림을 켜지 못했어요.
    .button = 다시 시도

## What went wrong with a photo, by code, and what to do about it

advice-no-face = 선글라스나 마스크, 머리카락이 얼굴을 가리지 않게 하고, 정면에서 얼굴 전체가 나온 사진을 골라 주세요.
    .title = 얼굴을 찾지 못했어요
advice-multiple-faces = 한 번에 한 사람의 색만 볼 수 있어요. 혼자 나온 사진을 고르거나 다른 사람을 잘라 내 주세요.
    .title = 사진에 여러 사람이 있어요
advice-face-too-small = 더 가까이에서 찍거나, 얼굴이 사진의 3분의 1쯤 차지하도록 잘라 주세요.
    .title = 사진 속 얼굴이 너무 작아요
advice-too-dark = 창가를 바라보고 다시 찍어 주세요. 밤의 조명보다 낮의 자연광이 가장 좋아요.
    .title = 사진이 너무 어두워요
advice-too-bright = 피부가 하얗게 날아간 부분이 있어요. 직사광선을 피하고 플래시를 꺼 주세요.
    .title = 사진이 너무 밝아요
advice-blurred = 렌즈를 닦고, 흔들리지 않게 잠시 멈춘 채로 다시 찍어 주세요.
    .title = 사진이 흐려요
advice-not-an-image = JPEG, PNG, WebP, HEIC 사진을 골라 주세요. 파일이 손상되었을 수도 있으니 다른 파일로도 시도해 보세요.
    .title = 사진 파일이 아니에요
advice-damaged = 파일에서 얼굴이 있는 부분이 사라졌어요. 원본을 고르거나, 이 기기로 다시 옮겨 주세요.
    .title = 사진이 손상되었어요
advice-unsupported-format = JPEG, PNG, WebP, HEIC 사진을 골라 주세요. 휴대폰으로 찍은 사진은 그대로 쓸 수 있어요.
    .title = 지원하지 않는 사진 형식이에요
advice-image-too-large = 사진은 10MB까지 올릴 수 있어요. 더 작은 사진을 고르거나 얼굴 위주로 잘라 주세요.
    .title = 사진이 너무 커요
advice-image-too-small = 미리보기나 메신저에서 줄어든 사진 대신 원본을 골라 주세요.
    .title = 사진의 화질이 너무 낮아요
advice-greyscale = 흑백이거나 색이 거의 없는 사진이에요. 카메라로 찍은 컬러 사진을 골라 주세요.
    .title = 사진에 색이 없어요
advice-light-too-coloured = 색이 있는 조명이나 필터 때문에 피부색을 알 수 없어요. 조명과 필터를 끄고 창가에서 찍어 주세요.
    .title = 빛에 색이 너무 많이 섞여 있어요
advice-photo-refused = 이 사진은 분석할 수 없었어요. 자연광에서 정면으로 찍은 다른 사진을 골라 주세요.
    .title = 사진을 분석하지 못했어요
advice-image-missing = 전송 중에 사라졌거나 이미 삭제된 사진이에요. 다시 보내 주세요.
    .title = 사진이 도착하지 않았어요
advice-upload-refused = 저장소에서 사진을 받지 못했어요. 다시 보내 주세요.
    .title = 업로드가 거절되었어요
advice-rate-limited = 사진은 그대로 있어요. 잠시 기다렸다가 다시 시도해 주세요.
    .title = 한꺼번에 너무 많은 사진을 보냈어요
advice-overloaded = 사진은 그대로 있어요. 잠시 기다렸다가 다시 시도해 주세요.
    .title = 지금 이용하는 분이 많아요
advice-network = 연결을 확인하고 다시 시도해 주세요. 사진은 그대로 있어요.
    .title = ToneUp에 연결할 수 없어요
advice-timeout = 연결이 느린 것 같아요. 사진은 그대로 있으니 다시 시도해 주세요.
    .title = 제때 응답을 받지 못했어요
advice-internal = 사진 때문이 아니에요. 잠시 후 다시 시도해 주세요.
    .title = 저희 쪽에 문제가 생겼어요
advice-unavailable = 곧 다시 열려요. 사진은 그대로 있으니 잠시 후 다시 시도해 주세요.
    .title = ToneUp이 잠시 쉬고 있어요
advice-unauthenticated = 다시 시도하면 새 세션이 자동으로 시작돼요.
    .title = 세션이 끝났어요
advice-not-found = 다른 기기나 이미 끝난 세션의 분석이에요. 새로 시작할 수 있어요.
    .title = 이 분석을 찾을 수 없어요
advice-expired = 제때 사진을 분석하지 못해서 멈췄어요. 다시 시도해 주세요.
    .title = 시간이 너무 오래 걸렸어요
advice-cancelled = 더 이상 진행되지 않아요. 원할 때 다시 시작할 수 있어요.
    .title = 분석을 취소했어요
# A code that has no words here.
advice-unknown = 다시 시도해 주세요. 같은 일이 반복되면 다른 사진으로 해 보세요.
    .title = 잘 되지 않았어요
advice-later = { $advice } { $duration } 뒤에는 될 거예요.
problem-reference = 문의할 때 이 번호를 알려 주세요: { $reference }

## The result

your-season = 나의 퍼스널 컬러
your-season-is = 나의 퍼스널 컬러는 { $season }이에요.
your-season-is-surely = 나의 퍼스널 컬러는 { $season }이에요. { $sure }.
result-meta = { $when }, { $model } 모델로 분석
try-other-photo = 다른 사진으로 해 보기
choose-other-photo = 다른 사진 선택
see-what-suits = 어울리는 상품 보기

# How clearly a photo points to one season, in four steps.
confidence-step = 4단계 중 { $level }단계
confidence-4 = 사진이 한 계절을 분명하게 가리켜요. 그래도 빛이 달라지면 조금 바뀔 수 있어요.
    .title = 뚜렷한 결과
confidence-3 = 다른 계절보다 이 계절에 더 잘 맞아요. 자연광에서 한 장 더 찍으면 그대로인지 확인할 수 있어요.
    .title = 꽤 뚜렷한 결과
confidence-2 = 이 계절에 가깝지만 이웃한 계절과 차이가 크지 않아요. 자연광에서 한 장 더 찍어 보세요.
    .title = 이 계절에 가까운 결과
confidence-1 = 이 사진에서는 나의 색이 계절의 경계에 있어요. 참고로만 보고, 자연광에서 다시 찍어 보세요.
    .title = 경계에 있는 결과

warnings = 이 사진에 대해
warning-colour-cast = 조명에 색이 섞여 있었어요. 자연광에서 찍으면 더 정확해요.
warning-mixed-light = 얼굴에 서로 다른 빛이 섞여 있어요. 조명을 끄고 창가에서 찍으면 더 정확해요.
warning-not-frontal = 얼굴이 조금 돌아가 있어요. 정면에서 찍으면 더 정확해요.
warning-face-cut = 얼굴 일부가 사진 밖에 있어요. 얼굴 전체가 나오면 더 정확해요.
warning-occluded = 얼굴을 가린 것이 있어요. 안경과 마스크를 벗고 머리카락을 넘기면 더 정확해요.
warning-low-confidence = 계절 사이의 차이가 크지 않았어요. 참고로만 봐 주세요.
warning-uneven-light = 빛이 한쪽에서 들어와요. 창문을 마주 보고 찍으면 더 정확해요.
warning-too-dark = 사진이 어두운 편이라 결과가 덜 정확할 수 있어요.
warning-too-bright = 얼굴에 아주 밝은 부분이 있어서 결과가 덜 정확할 수 있어요.
warning-blurred = 사진이 조금 흐려서 결과가 덜 정확할 수 있어요.
warning-face-too-small = 사진 속 얼굴이 작아요. 더 가까이에서 찍으면 더 정확해요.
warning-multiple-faces = 사진에 여러 사람이 있어서 가장 큰 얼굴을 분석했어요.
warning-maybe-different-people = 사진 속 피부색이 빛만으로는 설명하기 어려울 만큼 달라요. 모두 본인 사진인가요?

palette = 나의 팔레트
palette-hint = 색을 누르면 얼굴에 대 볼 수 있어요.
fact-skin = 내 피부
fact-undertone = 언더톤
fact-contrast = 명암 대비
fact-photos = 사진
fact-wear = 어울리는 색
fact-avoid = 덜 어울리는 색
fact-metal = 어울리는 주얼리

undertone-warm = 웜
    .about = 노란빛이 도는 황금빛
undertone-cool = 쿨
    .about = 푸른빛이 도는 장밋빛
undertone-neutral = 뉴트럴
    .about = 황금빛과 장밋빛 사이
undertone-neutral-warm = 뉴트럴
    .about = 황금빛과 장밋빛 사이에서 황금빛에 조금 더 가까움
undertone-neutral-cool = 뉴트럴
    .about = 황금빛과 장밋빛 사이에서 장밋빛에 조금 더 가까움
undertone-olive = 올리브
    .about = 살짝 도는 초록빛

skin-very-light = 아주 밝은 피부
skin-light = 밝은 피부
skin-medium = 중간 밝기의 피부
skin-tan = 그을린 피부
skin-brown = 갈색 피부
skin-deep = 짙은 피부

contrast-soft = 부드러움
contrast-medium = 중간
contrast-strong = 뚜렷함

photos-combined = 사진 { $count }장을 함께 봤어요
photos-combined-but = 사진 { $count }장을 함께 보고 { $left }장은 뺐어요
spread-small = 결과가 서로 같아요
spread-medium = 결과가 조금 달라요
spread-large = 결과가 서로 달라요. 빛의 영향이 커요

looked = 무엇을 보고 판단했나요?
looked-photo = 피부색을 잰 곳을 표시한 내 사진
looked-seasons = 계절별 가능성
looked-reasons = 결과에 영향을 준 것
looked-measured = 피부색은 { $places }에서 쟀어요.
looked-hidden = { $places }에서는 피부가 보이지 않았어요.
looked-light =
    { $light ->
        [warm] 전등처럼 따뜻한 빛이라 그 색을 빼고 봤어요.
        [cool] 그늘처럼 차가운 빛이라 그 색을 빼고 봤어요.
       *[daylight] 자연광에 가까운 빛이에요. 남은 색은 빼고 봤어요.
    }
region-right-cheek = 오른쪽 볼
region-left-cheek = 왼쪽 볼
region-forehead = 이마

## Past results

history-queued = 대기 중
history-running = 분석 중
history-open = 눌러서 지켜보기
history-none = 결과 없음
loading = 불러오는 중…
history-failed = 불러오지 못했어요. 다시 시도

## The seasons

seasons-title = 네 가지 계절
season-spring = 봄
    .essence = 따뜻하고 밝고 맑은 색
    .about = 싱그럽고 햇살 같은 색이 피부에 생기를 더해요. 처음 따뜻해진 날, 새로 돋은 잎, 잘 익은 복숭아를 떠올려 보세요.
    .wear = 코랄, 피치, 따뜻한 터키석색, 연둣빛 그린, 카멜, 아이보리
    .avoid = 얼굴 가까이의 검은색, 차가운 파스텔, 탁한 회색
    .metal = 밝고 반짝이는 옐로 골드
season-summer = 여름
    .essence = 시원하고 부드럽고 밝은 색
    .about = 옅은 안개 너머로 보이는 듯한 부드럽고 시원한 색이 어울려요. 라벤더 들판, 바다 안개, 빛바랜 장미를 떠올려 보세요.
    .wear = 라벤더, 더스티 로즈, 파우더 블루, 세이지, 라즈베리, 부드러운 네이비
    .avoid = 주황색, 머스터드, 강한 흑백
    .metal = 은은한 무광의 실버, 화이트 골드
season-autumn = 가을
    .essence = 따뜻하고 깊고 차분한 색
    .about = 깊은 흙빛 색이 피부를 빛나게 해요. 시월의 숲, 향신료, 오래된 가죽을 떠올려 보세요.
    .wear = 러스트, 올리브, 머스터드, 틸, 밤색, 크림
    .avoid = 푸시아, 차가운 하늘색, 새하얀 색
    .metal = 앤티크 골드, 구리, 브론즈
season-winter = 겨울
    .essence = 차갑고 깊고 선명한 색
    .about = 강하고 선명한 색과 또렷한 대비가 얼굴을 돋보이게 해요. 밤의 눈밭, 붉은 열매, 매끈한 보석을 떠올려 보세요.
    .wear = 검은색, 새하얀 색, 에메랄드, 코발트, 루비, 아이시 핑크
    .avoid = 베이지, 주황색, 탁하거나 바랜 색
    .metal = 반짝임이 강한 실버, 플래티넘

# The three shades of each season.
subtype-light-spring = 봄 라이트
subtype-bright-spring = 봄 브라이트
subtype-warm-spring = 봄 웜
subtype-light-summer = 여름 라이트
subtype-muted-summer = 여름 뮤트
subtype-cool-summer = 여름 쿨
subtype-deep-autumn = 가을 딥
subtype-muted-autumn = 가을 뮤트
subtype-warm-autumn = 가을 웜
subtype-deep-winter = 겨울 딥
subtype-bright-winter = 겨울 브라이트
subtype-cool-winter = 겨울 쿨

## Colours

colour-black = 블랙
colour-charcoal = 차콜
colour-graphite = 그래파이트
colour-slate-grey = 슬레이트 그레이
colour-pearl = 펄 화이트
colour-grey = 그레이
colour-silver-grey = 실버 그레이
colour-white = 화이트
colour-ivory = 아이보리
colour-cream = 크림
colour-beige = 베이지
colour-sand = 샌드
colour-taupe = 토프
colour-camel = 카멜
colour-tan = 탠
colour-caramel = 캐러멜
colour-cinnamon = 시나몬
colour-chestnut = 밤색
colour-oxblood = 옥스블러드
colour-chocolate = 초콜릿
colour-coffee = 커피
colour-bronze = 브론즈
colour-copper = 코퍼
colour-rust = 러스트
colour-terracotta = 테라코타
colour-brick-red = 벽돌색
colour-orange = 오렌지
colour-pumpkin = 호박색
colour-apricot = 살구색
colour-peach = 피치
colour-salmon = 연어색
colour-coral = 코랄
colour-tomato-red = 토마토 레드
colour-red = 레드
colour-crimson = 크림슨
colour-burgundy = 버건디
colour-wine = 와인
colour-raspberry = 라즈베리
colour-rose = 로즈
colour-dusty-rose = 더스티 로즈
colour-blush = 블러시 핑크
colour-pink = 핑크
colour-icy-pink = 아이시 핑크
colour-hot-pink = 핫핑크
colour-fuchsia = 푸시아
colour-magenta = 마젠타
colour-mauve = 모브
colour-orchid = 오키드
colour-plum = 플럼
colour-aubergine = 가지색
colour-violet = 바이올렛
colour-purple = 퍼플
colour-lavender = 라벤더
colour-lilac = 라일락
colour-periwinkle = 페리윙클
colour-indigo = 인디고
colour-navy = 네이비
colour-midnight-blue = 미드나이트 블루
colour-royal-blue = 로열 블루
colour-cobalt = 코발트
colour-blue = 블루
colour-denim = 데님
colour-slate-blue = 슬레이트 블루
colour-sky-blue = 하늘색
colour-powder-blue = 파우더 블루
colour-icy-blue = 아이시 블루
colour-petrol = 페트롤 블루
colour-teal = 틸
colour-turquoise = 터키석색
colour-lagoon = 라군 블루
colour-mint-green = 민트 그린
colour-aqua = 아쿠아
colour-mint = 민트
colour-seafoam = 시폼 그린
colour-jade = 제이드
colour-emerald = 에메랄드
colour-pine-green = 파인 그린
colour-forest-green = 포레스트 그린
colour-leaf-green = 리프 그린
colour-fresh-green = 연둣빛 그린
colour-lime = 라임
colour-sage = 세이지
colour-eucalyptus = 유칼립투스
colour-sea-blue = 바다색
colour-moss = 이끼색
colour-olive = 올리브
colour-khaki = 카키
colour-mustard = 머스터드
colour-golden-yellow = 골든 옐로
colour-yellow = 옐로
colour-lemon = 레몬
colour-gold = 골드
# One that cannot be read.
colour-unknown = 색

## The account

account-title = 내 계정
account-invitation = 로그인하면 모든 기기에서 결과를 볼 수 있어요. 지금까지의 결과는 그대로 유지돼요.
account-signed-in = { $providers } 계정으로 로그인했어요.
account-continue = { $provider } 계정으로 계속하기
account-sign-out = 로그아웃
account-welcome = 로그인했어요.
account-goodbye = 로그아웃했어요.
account-this-device = 이 기기
account-unknown-device = 알 수 없는 기기
account-end = 해당 기기에서 로그아웃
account-end-of = { $device }에서 로그아웃
# By the reason that the address gives.
sign-in-failed-expired = 시간이 너무 오래 걸렸거나 다른 브라우저에서 시작했어요. 다시 시도해 주세요.
sign-in-failed-cancelled = 로그인을 취소했어요.
sign-in-failed-refused = 로그인 정보를 확인할 수 없어요. 다시 시도해 주세요.
sign-in-failed-unavailable = 지금은 로그인할 수 없어요. 잠시 후 다시 시도해 주세요.
sign-in-failed-taken = 이미 다른 계정에 연결되어 있어요. 그 계정으로 로그인해 주세요.

## The profile's dialog

profile-title = 내 프로필
profile-picture = 내 사진
profile-remove-picture = 사진 삭제
profile-nickname-hint = 2~20자의 글자와 숫자
profile-bio-hint = 100자 이내
profile-no-season = 아직 퍼스널 컬러가 없어요. 셀카로 찾아보세요
profile-export = 내 데이터 내려받기
profile-delete = 모두 삭제
profile-delete-surely = 정말 모두 삭제할까요? 한 번 더 눌러 주세요
profile-picture-wait = 사진을 준비하고 있어요
profile-picture-ready = 사진을 바꿨어요
profile-picture-gone = 사진을 지웠어요
profile-deleting = 모두 삭제하고 있어요
profile-deleted = 모두 삭제했어요
profile-downloaded = 데이터를 파일로 내려받았어요

## The page of everything else: around every view

app-description = 나에게 어울리는 스타일을 보여 주고, 다른 사람의 스타일도 구경하고, 마음에 드는 상품을 찾아보세요.
app-needs-script = ToneUp을 쓰려면 JavaScript가 필요해요. 이 페이지에서 JavaScript를 허용해 주세요.
navigation = 주요 메뉴
tab-feed = 피드
tab-shop = 쇼핑
tab-compose = 글쓰기
tab-chat = 채팅
tab-me = 내 공간
my-colours = 퍼스널 컬러
search = 검색
notices = 알림
done = 완료
delete = 삭제
deleted = 삭제했어요
edit = 수정
edited = 수정됨
undo = 되돌리기
copy = 복사
copied = 주소를 복사했어요
share = 공유
send = 보내기
create = 만들기
back = 뒤로
more-actions = 더 보기 메뉴
read-on = 더 보기
now = 방금
before-noon = 오전
after-noon = 오후
from = 시작
until = 끝
price = { $value }원
offline = 오프라인이에요. 지금 보이는 내용이 최신이 아닐 수 있어요.
no-answer = 응답이 없어요. 연결을 확인하고 다시 시도해 주세요.
failed = 잘 되지 않았어요. 다시 시도해 주세요.
failed-title = 열 수 없어요
gone = 더 이상 볼 수 없는 내용이에요.
session-ended = 이전 세션이 끝나 새로 시작했어요.

## What went wrong, by the API's code

error-rate-limited = 너무 빨라요. 잠시 후 다시 시도해 주세요.
error-unavailable = 지금 접속이 많아요. 잠시 후 다시 시도해 주세요.
error-user-blocked = 차단한 사람이에요.
error-room-closed = 더 이상 메시지를 보낼 수 없는 방이에요.
error-room-full = 그룹이 가득 찼어요.
error-picture-refused = 사용할 수 없는 사진이 있어요.
error-message-deleted = 삭제된 메시지예요.
error-nickname-taken = 이미 사용 중인 닉네임이에요.
error-nickname-invalid = 닉네임은 2~20자의 글자와 숫자예요.
error-last-identity = 로그인할 수 있는 마지막 방법이라 해제할 수 없어요.
error-image-missing = 사진이 전송되지 않았어요. 다시 추가해 주세요.
error-image-too-large = 사진이 너무 커요.
error-not-an-image = 사진으로 읽을 수 없는 파일이에요.
error-unsupported-format = JPEG, PNG, WebP 사진을 선택해 주세요.

## Whom products are for

sex-female = 여성
sex-male = 남성
sex-unisex = 남녀 공용

## Posts and feeds

feeds = 피드 종류
feed-home = 팔로잉
feed-home-title = 팔로우하는 사람들의 소식
feed-newest = 발견
feed-newest-title = 새로운 글
feed-ranking = 인기
feed-ranking-title = 지금 인기 있는 글
home-empty = 아직 소식이 없어요
home-empty-text = 마음에 드는 사람을 팔로우하면 소식이 여기에 보여요.
feed-empty = 아직 글이 없어요
feed-empty-text = 첫 번째로 나에게 어울리는 색을 보여 주세요.
post = 게시글
posts = 게시글
post-by = { $name }님의 글
like = 좋아요
likes = 좋아요 { $count }개
comments = 댓글 { $count }개
picture = 사진
picture-of = 사진 { $at }/{ $total }
pictures-of = 사진 { $total }장. 화살표 키로 넘겨요.
before = 이전 사진
after = 다음 사진
processing = 사진을 준비하고 있어요. 준비되면 다른 사람에게 보여요.
processing-short = 준비 중
post-ready = 글을 올렸어요
post-failed = 사용할 수 없는 사진이 있어요.
posted = 글을 올렸어요
delete-post = 글을 삭제할까요?
delete-post-text = 사진, 좋아요, 댓글도 함께 지워지고 되돌릴 수 없어요.

## Comments

comments-title = 댓글
comment-hint = 댓글 쓰기
commented = 댓글을 달았어요
comment-by = { $name }님의 댓글
comment-gone = 삭제된 댓글이에요
no-comments = 아직 댓글이 없어요
no-comments-text = 첫 댓글을 남겨 보세요.
reply = 답글
reply-to = { $name }님에게 답글
replies = 답글 { $count }개 보기
replies-to = { $name }님에게 달린 답글
delete-comment = 댓글을 삭제할까요?
delete-comment-text = 되돌릴 수 없어요.

## Reports

report = 신고
report-title = 신고하기
report-why = 신고 이유를 알려 주세요
report-more = 자세한 내용 (선택)
reported = 고마워요. 확인해 볼게요.
reason-spam = 광고·스팸
reason-abuse = 욕설·혐오
reason-fraud = 사기
reason-nudity = 노출
reason-violence = 폭력
reason-copyright = 저작권 침해
reason-other = 기타

## Writing

compose-title = 새 글
edit-title = 수정
who-sees = 공개 범위
as-post = 모두에게 공개
as-entry = 나만 보는 일기
choose-pictures = 사진 추가
alt-hint = 사진을 볼 수 없는 사람을 위한 설명
alt-of = 사진 { $at } 설명
picture-added = 사진 { $count }장째를 추가했어요
picture-moved = 이제 { $total }장 중 { $at }번째예요
remove-picture = 사진 빼기
move-before = 앞으로 옮기기
move-after = 뒤로 옮기기
most-pictures = 사진은 { $most }장까지예요.
crop = 자르기
crop-shape = 모양
crop-free = 원본
crop-square = 정사각형
crop-portrait = 4:5
crop-keys = 사진에서 보일 부분. 화살표 키로 옮기고 +와 -로 확대해요.
zoom = 확대
entry-title = 제목
text = 내용
text-hint = 오늘은 어떤 색이 어울렸나요?
publish = 올리기
keep = 일기에 남기기
uploading = 업로드
need-picture = 사진을 한 장 이상 추가해 주세요.
need-text = 내용을 입력해 주세요.
need-title = 제목을 입력해 주세요.
text-too-long = { $most }자까지 쓸 수 있어요.
picture-refused = 사용할 수 없는 사진이 있어요. 다시 추가해 주세요.

## The diary

diary = 일기
diary-private = 나에게만 보여요.
write-entry = 일기 쓰기
diary-empty = 아직 일기가 없어요
diary-empty-text = 무엇을 입었는지, 어땠는지 남겨 보세요.
delete-entry = 일기를 삭제할까요?
entry-processing = 사진을 준비하고 있어요.

## People

people = 사람
settings = 설정
followers = 팔로워
following = 팔로잉
follow = 팔로우
follow-back = 맞팔로우
followed = 팔로잉
message = 메시지
block = 차단
unblock = 차단 해제
blocked = 차단한 사람
block-person = { $name }님을 차단할까요?
block-text = 서로의 글을 볼 수 없고 팔로우도 끊겨요.
mute-person = { $name }님 숨기기
unmute-person = { $name }님 숨기기 해제
unmute = 숨기기 해제
muted = { $name }님의 글이 보이지 않아요
muted-people = 숨긴 사람
nobody = 아무도 없어요
nobody-text = 사람이 생기면 여기에 보여요.
no-posts = 아직 글이 없어요
no-posts-text = 글을 올리면 여기에 보여요.
no-own-posts-text = 나에게 어울리는 색을 보여 주세요.
no-liked-text = 좋아요를 누른 글이 여기에 보여요.
my-posts = 내 글
liked = 좋아요
find-season = 셀카로 내 퍼스널 컬러 찾기
find-people = 닉네임으로 찾기
nobody-found = 찾은 사람이 없어요
chosen = { $name }님을 골랐어요
remove-person = { $name }님 빼기
choose-people = 한 명 이상 골라 주세요.

## Conversations

messages = 메시지
message-hint = 메시지 쓰기
add-pictures = 사진 추가
no-rooms = 아직 채팅이 없어요
no-rooms-text = 사람을 찾아 메시지를 보내 보세요.
no-messages = 아직 메시지가 없어요
new-group = 새 그룹
group = 그룹
group-name = 그룹 이름
members = 멤버 { $count }명
members-title = 멤버
invite = 초대
leave = 나가기
leave-title = 채팅방에서 나갈까요?
leave-text = 목록에서 사라져요.
mute-room = 알림 끄기
unmute-room = 알림 켜기
someone-gone = 떠난 사용자
you = 나
room-closed = 메시지를 보낼 수 없어요
new-messages = 여기까지 읽었어요
not-read = { $count }명이 읽지 않음
message-gone = 삭제된 메시지예요
search-room = 이 채팅에서 검색
search-older = 이전 메시지에서 더 찾기
room-picture = 그룹 사진
edit-message = 메시지 수정
delete-message = 메시지를 삭제할까요?
delete-message-text = 모두에게서 지워져요.
sending = 보내는 중
not-sent = 보내지 못했어요
is-typing = { $names }님이 입력하고 있어요 …
reconnecting = 연결하는 중 …
happened-joined = { $name }님이 들어왔어요
happened-left = { $name }님이 나갔어요
happened-removed = { $name }님을 내보냈어요
happened-renamed = { $name }님이 이름을 바꿨어요: “{ $title }”
happened-picture = { $name }님이 사진을 바꿨어요
unread = 읽지 않음 { $count }개

## The shop

shop-title = 나에게 어울리는 것
shop-for = 나의 { $season } 팔레트에 맞춰 골랐어요.
shop-for-all = 퍼스널 컬러를 알면 더 잘 어울리는 것을 골라 드려요.
shop-search = 상품 검색
shop-empty = 조건에 맞는 상품이 없어요
shop-empty-text = 조건을 줄여 보세요.
suggestions = 추천 검색어
found-loosely = 정확히 일치하는 상품이 없어요. 혹시 이 상품을 찾으셨나요?
found = 상품 { $count }개
filters = 조건
up-to = { $price } 이하
product = 상품
products = 상품
similar = 비슷한 상품
to-shop = 판매처로
kind = 종류
colour = 색상
for-whom = 대상
suits = 어울리는 계절
why-palette = 나의 { $season } 팔레트
why-like = 좋아한 상품과 비슷해요
why-popular = 많은 사람이 좋아해요
why-new = 새로 나왔어요
why-surprise = 색다른 추천

## Searching

search-all = 사람, 상품, 게시글 검색
search-where = 검색 대상
search-hint = 무엇을 찾고 있나요?
search-hint-text = 닉네임, 브랜드, 단어를 입력해 보세요.
results = 검색 결과
nothing-found = 찾은 것이 없어요
nothing-found-text = 다른 말로 찾아보세요.

## Notices

no-notices = 알림이 없어요
no-notices-text = 내 글에 대한 소식이 여기에 보여요.
read-all = 모두 읽음
unread-notice = 읽지 않음
who = { $name }님
and-others = { $name }님 외 { $count }명
notice-post-liked = { $who }이 내 글을 좋아해요
notice-post-commented = { $who }이 내 글에 댓글을 달았어요
notice-post-mentioned = { $who }이 글에서 나를 언급했어요
notice-comment-liked = { $who }이 내 댓글을 좋아해요
notice-comment-replied = { $who }이 내 댓글에 답글을 달았어요
notice-comment-mentioned = { $who }이 댓글에서 나를 언급했어요
notice-person-followed = { $who }이 나를 팔로우해요
notice-chat-message = { $who }이 메시지를 보냈어요
notice-unknown = { $name }님의 소식
kind-post-liked = 내 글의 좋아요
kind-post-commented = 내 글의 댓글
kind-post-mentioned = 글에서의 언급
kind-comment-liked = 내 댓글의 좋아요
kind-comment-replied = 내 댓글의 답글
kind-comment-mentioned = 댓글에서의 언급
kind-person-followed = 새 팔로워
kind-chat-message = 메시지

## Settings

quiet-hours = 방해 금지 시간
quiet-hours-text = 이 시간에는 기기가 울리지 않고, 끝난 뒤에 알려 드려요.
push-on = 이 기기로 알림을 받고 있어요
push-off = 이 기기로 알림 받기
push-blocked = 브라우저 설정에서 알림이 차단되어 있어요
turn-on = 켜기
turn-off = 끄기
sign-in = 로그인
sign-in-with = { $name } 계정으로 계속하기
guest-text = 게스트예요. 로그인하면 다른 기기에서도 이어서 쓸 수 있어요.
signed-in-text = 이 계정들로 로그인할 수 있어요.
linked = 연결됨
unlink = 연결 해제
unlink-title = { $name } 연결을 해제할까요?
unlink-text = 더 이상 이 계정으로 로그인할 수 없어요.
your-data = 내 데이터
your-data-text = 퍼스널 컬러 페이지의 프로필에서 모두 내려받거나 지울 수 있어요.
to-analysis = 퍼스널 컬러로
