### The pages' words in English. The server writes them into the HTML (`{{id}}`), the scripts say them (`words.js`).

# The language of these words, as in `lang`.
language = en

## Both pages

skip = Skip to the content
close = Close
cancel = Cancel
save = Save
saved = Saved
more = Show more
retry = Try again
profile = Profile
nickname = Nickname
bio = About you
choose-picture = Choose a picture

## The page of the analysis: around it

page-title = ToneUp: find your season
page-description = Upload a selfie and learn your personal colour: spring, summer, autumn or winter.
community = Community
your-results = Your results
dismiss = Dismiss this message
needs-script = ToneUp needs JavaScript to prepare and send your photo. Please allow it for this page.
results-hidden = Your earlier session has ended, so your past results are no longer shown here. A new session has started.
closing = A reading of one photo is a good hint, not a verdict: light, cameras and make-up all leave their mark. Wear what you love.

## The page of the analysis: choosing photos

start-title = Which season are you?
start-lede = Spring, summer, autumn or winter: one selfie shows which colours bring your face to life.
tips = For a true reading
tip-light = Daylight
tip-light-text = Face a window. Lamps tint the skin.
tip-close = Just you, close up
tip-close-text = From the front, face filling a third of the photo.
tip-bare = As you are
tip-bare-text = No filter, and little or no make-up.
photo-of-face = Photo of your face
camera-photo-of-face = Camera photo of your face
choose-title = Start with a selfie
drop-hint = Drop a photo here, or
choose-photo = Choose a photo
take-photo = Take a photo
photo-formats = JPEG, PNG, WebP or HEIC, up to 10 MB
privacy = Your photo goes straight to private storage, is read by the analysis only, and is deleted automatically.
ready-title = Ready when you are
find-season-now = Find my season
other-photo = Another photo
photo-chosen = Photo chosen: { $photo }
unnamed-photo = photo
add-photo = Add another, in other light
add-photo-hint = Up to five photos of you: light is most of the error, and they are combined.
your-photos = Your photos
photos-of-you = { $count } photos of you
remove-photo = Remove photo { $number }, { $name }
photo-removed = Photo { $number } is removed

## The page of the analysis: on the way

progress = Progress
step-upload = Upload
step-queued = In line
step-running = Reading
step-done = Your season
stop-upload = Stop the upload
uploading-photos =
    { $count ->
        [one] Uploading your photo
       *[other] Uploading your photos
    }
connection-shaky = The connection is shaky
trying-again = Trying again by itself in { $duration }
queue = In line
queue-next = You are next
queue-place = Number { $place } in line
queue-left = Still { $duration } to go
queue-again = The first try did not work out. We try again.
reading = Reading your colours
reading-text = This takes a few seconds.
connecting-again = Reconnecting
connecting-again-text = Your photo is safe with us. The result will appear here as soon as the connection is back.
one-moment = One moment
fetching = Fetching your analysis
duration-moment = a few seconds
duration-seconds = about { $count } seconds
duration-minutes =
    { $count ->
        [one] about a minute
       *[other] about { $count } minutes
    }
duration-hours =
    { $count ->
        [one] about an hour
       *[other] about { $count } hours
    }

# What is said of notifications, and what the button offers.
notify-off = No need to wait here.
    .button = Notify me when it is ready
notify-busy = One moment
notify-on = This device is notified when a result is ready. You can close the page.
    .button = Turn notifications off
notify-blocked = Notifications are blocked for this page. You can allow them in your browser's settings.
notify-failed = Your browser could not be registered for notifications.
    .button = Try again

## What went wrong with a photo, by code, and what to do about it

advice-no-face = Use a photo that shows your whole face from the front, without sunglasses, a mask or hair across it.
    .title = We could not find a face
advice-multiple-faces = Colours are read from one person at a time. Choose a photo with only you in it, or crop the others out.
    .title = There is more than one face
advice-face-too-small = Come closer or crop the photo, so that your face fills about a third of it.
    .title = Your face is too small in this photo
advice-too-dark = Turn towards a window and take it again. Daylight works best, a lamp at night does not.
    .title = This photo is too dark
advice-too-bright = Parts of your skin are washed out to white. Step out of direct sun and switch the flash off.
    .title = This photo is too bright
advice-blurred = Wipe the lens, hold still for a moment and take it again.
    .title = This photo is blurred
advice-not-an-image = Choose a JPEG, PNG, WebP or HEIC picture. The file may also be damaged: try another copy.
    .title = This file is not a photo
advice-damaged = The part of the file with your face is missing. Choose the original, or send it to this device again.
    .title = This photo is damaged
advice-unsupported-format = Choose a JPEG, PNG, WebP or HEIC photo. Photos straight from a phone work.
    .title = We cannot read this kind of picture
advice-image-too-large = Photos can have up to 10 MB. Choose a smaller one, or crop it to your face.
    .title = This photo is too large
advice-image-too-small = Choose the original instead of a thumbnail, or one that was not shrunk by a messenger.
    .title = This photo has too few pixels
advice-greyscale = It is black and white, or nearly so. Choose one in colour, as the camera took it.
    .title = This photo has no colour
advice-light-too-coloured = Coloured light, or a filter, hides the colour of your skin. Take one by a window, with the lamps and filters off.
    .title = The light has too much colour
advice-photo-refused = Something about it kept us from reading it. Choose another one, in daylight and from the front.
    .title = We could not read this photo
advice-image-missing = The upload was lost on the way, or the photo has already been deleted. Please send it again.
    .title = Your photo did not arrive
advice-upload-refused = The photo store did not take your photo. Please send it again.
    .title = The upload was refused
advice-rate-limited = Your photo is still here. Please wait a little, then try again.
    .title = That was a lot of photos at once
advice-overloaded = Your photo is still here. Please wait a little, then try again.
    .title = Many people are asking right now
advice-network = Check your connection, then try again. Your photo is still here.
    .title = We cannot reach ToneUp
advice-timeout = The connection may be slow. Your photo is still here: try again.
    .title = ToneUp did not answer in time
advice-internal = It is not your photo's fault. Please try again in a moment.
    .title = Something broke on our side
advice-unavailable = It should be back in a moment. Your photo is still here: try again.
    .title = ToneUp is taking a short break
advice-unauthenticated = Please try again: a new session starts by itself.
    .title = Your session has ended
advice-not-found = It belongs to another device or to a session that has ended. You can start a new one.
    .title = We cannot find this analysis
advice-expired = Your photo could not be looked at in time, so we stopped. Please try again.
    .title = This took too long
advice-cancelled = Nothing more will happen to it. You can start again whenever you like.
    .title = This analysis was cancelled
# A code that has no words here.
advice-unknown = Please try again. If it happens again, try another photo.
    .title = That did not work
advice-later = { $advice } It should work in { $duration }.
problem-reference = If you ask for help, mention { $reference }

## The result

your-season = Your season
your-season-is = Your season is { $season }.
your-season-is-surely = Your season is { $season }. { $sure }.
result-meta = { $when }, read by { $model }
try-other-photo = Try another photo
choose-other-photo = Choose another photo
see-what-suits = See what suits you

# How clearly a photo points to one season, in four steps.
confidence-step = Step { $level } of 4
confidence-4 = This photo points to one season. Another light could still shift it a little.
    .title = A clear reading
confidence-3 = This photo fits one season better than the others. A second one in daylight tells whether it stays.
    .title = A fair reading
confidence-2 = You lean this way, but a neighbouring season is close. Try a second photo in daylight.
    .title = A leaning
confidence-1 = In this photo your colours lie between seasons. Take it as a hint, and try another one in daylight.
    .title = A close call

warnings = About this photo
warning-colour-cast = The light had a colour of its own. A photo in daylight gives a truer reading.
warning-mixed-light = Two kinds of light fall on your face. A photo by a window, with the lamps off, gives a truer reading.
warning-not-frontal = Your face is turned a little. A photo from the front gives a truer reading.
warning-face-cut = Part of your face is outside the photo. One with all of it gives a truer reading.
warning-occluded = Something covers your face. A photo without glasses, mask or hair across it gives a truer reading.
warning-low-confidence = The seasons were close together. Take this one as a hint.
warning-uneven-light = The light falls from one side. Facing a window gives a truer reading.
warning-too-dark = The photo is rather dark, which makes the reading less certain.
warning-too-bright = Parts of your face are very bright, which makes the reading less certain.
warning-blurred = The photo is not quite sharp, which makes the reading less certain.
warning-face-too-small = Your face is small in this photo. A closer one gives a truer reading.
warning-multiple-faces = There are several faces in the photo; we read the largest.
warning-maybe-different-people = The skin in these photos differs more than light explains. Are all of them of you?

palette = Your palette
palette-hint = Press a colour to hold it up to your face.
fact-skin = Your skin
fact-undertone = Undertone
fact-contrast = Contrast
fact-photos = Photos
fact-wear = Wear
fact-avoid = Go easy on
fact-metal = Metal

undertone-warm = Warm
    .about = golden, towards yellow
undertone-cool = Cool
    .about = rosy, towards blue
undertone-neutral = Neutral
    .about = between golden and rosy
undertone-neutral-warm = Neutral
    .about = between golden and rosy, a little golden
undertone-neutral-cool = Neutral
    .about = between golden and rosy, a little rosy
undertone-olive = Olive
    .about = a touch of green

skin-very-light = Very light
skin-light = Light
skin-medium = Medium
skin-tan = Tan
skin-brown = Brown
skin-deep = Deep

contrast-soft = Soft
contrast-medium = Medium
contrast-strong = Strong

photos-combined =
    { $count ->
        [one] { $count } photo combined
       *[other] { $count } photos combined
    }
photos-combined-but =
    { $count ->
        [one] { $count } photo combined, { $left } left out
       *[other] { $count } photos combined, { $left } left out
    }
spread-small = they agree
spread-medium = they agree in part
spread-large = they disagree: light decides much here

looked = What we looked at
looked-photo = Your photo, with the places outlined where your skin was measured
looked-seasons = How likely each season is
looked-reasons = What moved the answer
looked-measured = Your skin was measured on { $places }.
looked-hidden = No skin was to be seen on { $places }.
looked-light =
    { $light ->
        [warm] The light is warm, like a lamp's; its colour was taken out.
        [cool] The light is cool, like shade's; its colour was taken out.
       *[daylight] The light is close to daylight; its colour was taken out.
    }
region-right-cheek = right cheek
region-left-cheek = left cheek
region-forehead = forehead

## Past results

history-queued = In line
history-running = Being read
history-open = Open to watch
history-none = No result
loading = Loading…
history-failed = That did not work. Try again

## The seasons

seasons-title = The four seasons
season-spring = Spring
    .essence = Warm, light, clear
    .about = Fresh, sunny colours bring your skin to life: think of the first warm day, new leaves and ripe peaches.
    .wear = Coral, peach, warm turquoise, fresh green, camel and ivory
    .avoid = Black next to the face, icy pastels, dusty grey
    .metal = Yellow gold, light and shiny
season-summer = Summer
    .essence = Cool, soft, light
    .about = Gentle, cool colours suit you, as if seen through haze: lavender fields, sea mist and faded roses.
    .wear = Lavender, dusty rose, powder blue, sage, raspberry and soft navy
    .avoid = Orange, mustard, hard black and white
    .metal = Silver, white gold, matt
season-autumn = Autumn
    .essence = Warm, rich, muted
    .about = Deep, earthy colours make your skin glow: woods in October, spices and old leather.
    .wear = Rust, olive, mustard, teal, chestnut and cream
    .avoid = Fuchsia, icy blue, pure white
    .metal = Antique gold, copper, bronze
season-winter = Winter
    .essence = Cool, deep, clear
    .about = Strong, clear colours and sharp contrasts frame your face: snow at night, holly and polished stone.
    .wear = Black, pure white, emerald, cobalt, ruby and icy pink
    .avoid = Beige, orange, dusty or faded tones
    .metal = Silver, platinum, high shine

# The three shades of each season.
subtype-light-spring = Light spring
subtype-bright-spring = Bright spring
subtype-warm-spring = Warm spring
subtype-light-summer = Light summer
subtype-muted-summer = Muted summer
subtype-cool-summer = Cool summer
subtype-deep-autumn = Deep autumn
subtype-muted-autumn = Muted autumn
subtype-warm-autumn = Warm autumn
subtype-deep-winter = Deep winter
subtype-bright-winter = Bright winter
subtype-cool-winter = Cool winter

## Colours

colour-black = Black
colour-charcoal = Charcoal
colour-graphite = Graphite
colour-slate-grey = Slate grey
colour-pearl = Pearl
colour-grey = Grey
colour-silver-grey = Silver grey
colour-white = White
colour-ivory = Ivory
colour-cream = Cream
colour-beige = Beige
colour-sand = Sand
colour-taupe = Taupe
colour-camel = Camel
colour-tan = Tan
colour-caramel = Caramel
colour-cinnamon = Cinnamon
colour-chestnut = Chestnut
colour-oxblood = Oxblood
colour-chocolate = Chocolate
colour-coffee = Coffee
colour-bronze = Bronze
colour-copper = Copper
colour-rust = Rust
colour-terracotta = Terracotta
colour-brick-red = Brick red
colour-orange = Orange
colour-pumpkin = Pumpkin
colour-apricot = Apricot
colour-peach = Peach
colour-salmon = Salmon
colour-coral = Coral
colour-tomato-red = Tomato red
colour-red = Red
colour-crimson = Crimson
colour-burgundy = Burgundy
colour-wine = Wine
colour-raspberry = Raspberry
colour-rose = Rose
colour-dusty-rose = Dusty rose
colour-blush = Blush
colour-pink = Pink
colour-icy-pink = Icy pink
colour-hot-pink = Hot pink
colour-fuchsia = Fuchsia
colour-magenta = Magenta
colour-mauve = Mauve
colour-orchid = Orchid
colour-plum = Plum
colour-aubergine = Aubergine
colour-violet = Violet
colour-purple = Purple
colour-lavender = Lavender
colour-lilac = Lilac
colour-periwinkle = Periwinkle
colour-indigo = Indigo
colour-navy = Navy
colour-midnight-blue = Midnight blue
colour-royal-blue = Royal blue
colour-cobalt = Cobalt
colour-blue = Blue
colour-denim = Denim
colour-slate-blue = Slate blue
colour-sky-blue = Sky blue
colour-powder-blue = Powder blue
colour-icy-blue = Icy blue
colour-petrol = Petrol
colour-teal = Teal
colour-turquoise = Turquoise
colour-lagoon = Lagoon
colour-mint-green = Mint green
colour-aqua = Aqua
colour-mint = Mint
colour-seafoam = Seafoam
colour-jade = Jade
colour-emerald = Emerald
colour-pine-green = Pine green
colour-forest-green = Forest green
colour-leaf-green = Leaf green
colour-fresh-green = Fresh green
colour-lime = Lime
colour-sage = Sage
colour-eucalyptus = Eucalyptus
colour-sea-blue = Sea blue
colour-moss = Moss
colour-olive = Olive
colour-khaki = Khaki
colour-mustard = Mustard
colour-golden-yellow = Golden yellow
colour-yellow = Yellow
colour-lemon = Lemon
colour-gold = Gold
# One that cannot be read.
colour-unknown = Colour

## The account

account-title = Your account
account-invitation = Sign in to find your results on every device. What you have now is kept.
account-signed-in = You are signed in with { $providers }.
account-continue = Continue with { $provider }
account-sign-out = Sign out
account-welcome = You are signed in.
account-goodbye = You are signed out.
account-this-device = This device
account-unknown-device = A device
account-end = Sign out there
account-end-of = Sign out on { $device }
# By the reason that the address gives.
sign-in-failed-expired = That took too long, or began in another browser. Please try again.
sign-in-failed-cancelled = You are not signed in: you turned back at the provider.
sign-in-failed-refused = The provider's answer could not be accepted. Please try again.
sign-in-failed-unavailable = Signing in does not work at the moment. Please try again in a minute.
sign-in-failed-taken = That account belongs to somebody else here. Sign in with it instead.

## The profile's dialog

profile-title = Your profile
profile-picture = Your picture
profile-remove-picture = Remove it
profile-nickname-hint = 2 to 20 letters or digits
profile-bio-hint = At most 100 characters
profile-no-season = No season yet: find it with a selfie
profile-export = Download my data
profile-delete = Delete everything
profile-delete-surely = Really delete everything? Press once more
profile-picture-wait = The picture is being prepared
profile-picture-ready = This is your picture now
profile-picture-gone = The picture is removed
profile-deleting = Everything is being deleted
profile-deleted = Everything is deleted
profile-downloaded = Your data are in the downloaded file

## The page of everything else: around every view

app-description = Show what suits you, see what suits others, and find it.
app-needs-script = ToneUp needs JavaScript. Please allow it for this page.
navigation = Main
tab-feed = Feed
tab-shop = Shop
tab-compose = Post
tab-chat = Chats
tab-me = Me
my-colours = My colours
search = Search
notices = Notices
done = Done
delete = Delete
deleted = Deleted
edit = Edit
edited = edited
undo = Undo
copy = Copy
copied = The address is copied
share = Share
send = Send
create = Create
back = Back
more-actions = More actions
read-on = Read on
now = now
before-noon = AM
after-noon = PM
from = From
until = Until
price = ₩{ $value }
offline = You are offline. What you see may be old.
no-answer = No answer came. Please check your connection and try again.
failed = That did not work. Please try again.
failed-title = This could not be opened
gone = This is not here any more.
session-ended = Your earlier session has ended. A new one has started.

## What went wrong, by the API's code

error-rate-limited = That was a lot at once. Please wait a moment.
error-unavailable = Many people are here right now. Please try again in a moment.
error-user-blocked = You block this person.
error-room-closed = Nobody is there to read this any more.
error-room-full = This group is full.
error-picture-refused = A picture cannot be used.
error-message-deleted = This message was deleted.
error-nickname-taken = Somebody else has this nickname.
error-nickname-invalid = A nickname has 2 to 20 letters or digits.
error-last-identity = This is the only way in to your account.
error-image-missing = A picture did not arrive. Please add it once more.
error-image-too-large = A picture is too large.
error-not-an-image = This file cannot be read as a picture.
error-unsupported-format = Choose JPEG, PNG or WebP pictures.

## Whom products are for

sex-female = For women
sex-male = For men
sex-unisex = For everybody

## Posts and feeds

feeds = Feeds
feed-home = Following
feed-home-title = From people you follow
feed-newest = Discover
feed-newest-title = Newest posts
feed-ranking = Popular
feed-ranking-title = Popular right now
home-empty = Nothing here yet
home-empty-text = Follow people, and what they post appears here.
feed-empty = Nobody has posted yet
feed-empty-text = Be the first: show what suits you.
post = Post
posts = Posts
post-by = Post by { $name }
like = Like
likes =
    { $count ->
        [one] { $count } like
       *[other] { $count } likes
    }
comments =
    { $count ->
        [one] { $count } comment
       *[other] { $count } comments
    }
picture = Picture
picture-of = Picture { $at } of { $total }
pictures-of = { $total } pictures. Move with the arrow keys.
before = Picture before
after = Next picture
processing = Your pictures are being prepared. Others see the post when they are ready.
processing-short = Being prepared
post-ready = Your post is out
post-failed = A picture cannot be used.
posted = Posted
delete-post = Delete this post?
delete-post-text = Its pictures, likes and comments go, too. There is no way back.

## Comments

comments-title = Comments
comment-hint = Write a comment
commented = Your comment is there
comment-by = Comment by { $name }
comment-gone = This comment was deleted
no-comments = No comments yet
no-comments-text = Say what you think.
reply = Reply
reply-to = Replying to { $name }
replies =
    { $count ->
        [one] Show { $count } reply
       *[other] Show { $count } replies
    }
replies-to = Replies to { $name }
delete-comment = Delete this comment?
delete-comment-text = There is no way back.

## Reports

report = Report
report-title = Report this
report-why = What is wrong with it?
report-more = More about it (optional)
reported = Thank you. We will look at it.
reason-spam = Advertising or spam
reason-abuse = Insults or hate
reason-fraud = Fraud
reason-nudity = Nudity
reason-violence = Violence
reason-copyright = Somebody else's work
reason-other = Something else

## Writing

compose-title = New post
edit-title = Edit
who-sees = Who sees it
as-post = Post for everybody
as-entry = Diary, only for me
choose-pictures = Add pictures
alt-hint = Describe it for those who cannot see it
alt-of = Description of picture { $at }
picture-added = Picture { $count } added
picture-moved = Now picture { $at } of { $total }
remove-picture = Remove the picture
move-before = Move forward
move-after = Move back
most-pictures = At most { $most } pictures.
crop = Crop
crop-shape = Shape
crop-free = Original
crop-square = Square
crop-portrait = 4:5
crop-keys = Part of the picture. Arrow keys move it, plus and minus zoom.
zoom = Zoom
entry-title = Title
text = Text
text-hint = What suits you today?
publish = Post
keep = Keep in the diary
uploading = Upload
need-picture = Add at least one picture.
need-text = Write something.
need-title = Give it a title.
text-too-long = At most { $most } characters.
picture-refused = A picture cannot be used. Please add it once more.

## The diary

diary = Diary
diary-private = Nobody but you sees this.
write-entry = Write an entry
diary-empty = Your diary is empty
diary-empty-text = Keep what you wore, and how it felt.
delete-entry = Delete this entry?
entry-processing = Your pictures are being prepared.

## People

people = People
settings = Settings
followers = Followers
following = Following
follow = Follow
follow-back = Follow back
followed = Following
message = Message
block = Block
unblock = Unblock
blocked = Blocked people
block-person = Block { $name }?
block-text = You will see nothing of each other, and neither follows the other.
mute-person = Mute { $name }
unmute-person = Show { $name } again
unmute = Show again
muted = You see nothing of { $name } any more
muted-people = Muted people
nobody = Nobody here
nobody-text = People appear here once there are some.
no-posts = No posts yet
no-posts-text = What this person posts appears here.
no-own-posts-text = Show what suits you.
no-liked-text = What you like appears here.
my-posts = My posts
liked = Liked
find-season = Find your season with a selfie
find-people = Find people by nickname
nobody-found = Nobody found
chosen = { $name } chosen
remove-person = Take { $name } out
choose-people = Choose at least one person.

## Conversations

messages = Messages
message-hint = Write a message
add-pictures = Add pictures
no-rooms = No chats yet
no-rooms-text = Find somebody and write to them.
no-messages = No messages yet
new-group = New group
group = Group
group-name = Name of the group
members =
    { $count ->
        [one] { $count } member
       *[other] { $count } members
    }
members-title = Members
invite = Invite
leave = Leave
leave-title = Leave this chat?
leave-text = It disappears from your list.
mute-room = Mute this chat
unmute-room = Unmute this chat
someone-gone = Somebody who left
you = You
room-closed = Nobody is there to read this
new-messages = New messages
not-read =
    { $count ->
        [one] { $count } has not read it
       *[other] { $count } have not read it
    }
message-gone = This message was deleted
search-room = Search this chat
search-older = Search older messages
room-picture = Picture of the group
edit-message = Edit the message
delete-message = Delete this message?
delete-message-text = It disappears for everybody.
sending = Being sent
not-sent = Not sent
is-typing = { $names } is writing …
reconnecting = Connecting …
happened-joined = { $name } joined
happened-left = { $name } left
happened-removed = { $name } was removed
happened-renamed = { $name } named this “{ $title }”
happened-picture = { $name } changed the picture
unread = { $count } unread

## The shop

shop-title = What suits you
shop-for = Chosen for your { $season } palette.
shop-for-all = Chosen for everybody, as long as your season is not known.
shop-search = Search products
shop-empty = Nothing fits these filters
shop-empty-text = Take some of them away.
suggestions = Suggestions
found-loosely = Nothing is called exactly so. Did you mean one of these?
found =
    { $count ->
        [one] { $count } product
       *[other] { $count } products
    }
filters = Filters
up-to = Up to { $price }
product = Product
products = Products
similar = Similar
to-shop = To the shop
kind = Kind
colour = Colour
for-whom = For
suits = Suits
why-palette = Your { $season } palette
why-like = Like one that you like
why-popular = Many like it
why-new = New
why-surprise = Something different

## Searching

search-all = Search people, products and posts
search-where = What to search
search-hint = Who or what are you looking for?
search-hint-text = Type the beginning of a nickname, a brand or a word.
results = Results
nothing-found = Nothing found
nothing-found-text = Try fewer or other words.

## Notices

no-notices = No notices
no-notices-text = What others do with what you post appears here.
read-all = Mark all as read
unread-notice = Unread
who = { $name }
and-others =
    { $count ->
        [one] { $name } and { $count } other
       *[other] { $name } and { $count } others
    }
notice-post-liked = { $who } liked your post
notice-post-commented = { $who } commented on your post
notice-post-mentioned = { $who } mentioned you in a post
notice-comment-liked = { $who } liked your comment
notice-comment-replied = { $who } replied to your comment
notice-comment-mentioned = { $who } mentioned you in a comment
notice-person-followed = { $who } follows you
notice-chat-message = { $who } wrote to you
notice-unknown = News from { $name }
kind-post-liked = Likes of your posts
kind-post-commented = Comments on your posts
kind-post-mentioned = Mentions in posts
kind-comment-liked = Likes of your comments
kind-comment-replied = Replies to your comments
kind-comment-mentioned = Mentions in comments
kind-person-followed = New followers
kind-chat-message = Messages

## Settings

quiet-hours = Quiet hours
quiet-hours-text = Your devices are not rung meanwhile; you are told afterwards.
push-on = This device is notified
push-off = Notifications on this device
push-blocked = Notifications are blocked in your browser's settings
turn-on = Turn on
turn-off = Turn off
sign-in = Sign-in
sign-in-with = Continue with { $name }
guest-text = You are a guest. Sign in to keep all this on other devices.
signed-in-text = These accounts open yours.
linked = linked
unlink = Unlink
unlink-title = Unlink { $name }?
unlink-text = You cannot sign in with it any more.
your-data = Your data
your-data-text = Download or delete everything under Profile on the page of your colours.
to-analysis = To my colours
