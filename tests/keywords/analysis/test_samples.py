"""A page of our own in each language that no gold standard judges: its language, its subject, and no stopwords at the ends."""

from typing import Any

import pytest

from bigdata_demos.keywords import run_pages
from bigdata_demos.keywords.analysis.languages import LANGUAGES, lexicon

JUDGED = {"de", "en", "es", "fr", "pl", "pt", "sv"}  # by gold standards
DECLARED_ONLY = list(LANGUAGES)[list(LANGUAGES).index("af") :]
TAKEN_FOR = {"it": "Spanish", "no": "Danish"}  # undeclared
# Language, title, and words of the subject, one of which must be in the first three keywords; function words; the text.
SAMPLES = """
ar | منارة الميناء | منارة المنارة | في من على التي كانت
تقف المنارة القديمة على صخرة عند مدخل الميناء. بنى الصيادون هذه المنارة قبل مئة عام بعد أن غرقت سفن كثيرة في العاصفة. كان
حارس المنارة يشعل المصباح كل مساء ويراقب السفن حتى الصباح. اليوم يعمل المصباح بالكهرباء، وتحول بيت الحارس إلى متحف صغير
يعرض خرائط البحر وصور السفن.

bg | Пчеларството в планината | пчел | на се от които през
Пчеларите в планината отглеждат пчели от много поколения. През пролетта те преместват кошерите близо до липовите гори. Медът от
липа е светъл и ароматен, а медът от бор е тъмен. Един кошер дава около двадесет килограма мед на година. Зимата е трудна за
пчелите, затова пчеларите ги хранят със захар.

ca | El far de la costa | far | que els per una amb
El far es va construir dalt d'un penya-segat fa més de cent anys. El faroner encenia el llum cada vespre i vigilava els vaixells.
Avui el llum del far és automàtic i ja no hi viu ningú. Els visitants poden pujar a la torre del far i veure tota la costa. A la
planta baixa hi ha una exposició sobre els naufragis de la zona.

cs | Železniční muzeum | muze lokomotiv | se na které byla pro
Železniční muzeum sídlí ve staré výtopně na okraji města. Návštěvníci si mohou prohlédnout parní lokomotivy, osobní vagony a
historické signály. Nejstarší lokomotiva byla vyrobena před sto padesáti lety a stále jezdí. Každé léto muzeum pořádá jízdy parním
vlakem do sousedního města. Děti si zkoušejí práci strojvedoucího v maketě lokomotivy.

da | Biavl i haven | bi biavl bier | og der på som med
Biavl er blevet populært i mange danske haver. En biavler passer sine bistader fra forår til efterår og høster honning to gange
om året. Bierne samler nektar fra frugttræer, kløver og lyng. Om vinteren sidder bierne tæt sammen i bistadet og lever af
honningen. En biavler skal kende biernes sygdomme og holde øje med dronningen.

el | Ο φάρος του νησιού | φάρος φάρου φάρο | και που για είναι από
Ο φάρος του νησιού χτίστηκε πριν από εκατό χρόνια πάνω σε έναν βράχο. Ο φαροφύλακας ζούσε εκεί με την οικογένειά του και άναβε
τη λάμπα κάθε βράδυ. Τα πλοία έβλεπαν το φως του φάρου από μεγάλη απόσταση. Σήμερα ο φάρος λειτουργεί με ηλεκτρισμό και το σπίτι
του φαροφύλακα είναι μουσείο. Οι επισκέπτες ανεβαίνουν στον φάρο για να δουν τη θάλασσα.

et | Mesindus Eestis | mesi mesilas mee | ja on et mis või
Mesindus on Eestis vana elukutse. Mesinik hoiab mesilasi tarudes, mis seisavad aia ääres või metsa servas. Kevadel koguvad
mesilased nektarit pajudelt ja võililledelt, suvel pärnadelt. Mett võetakse tarudest tavaliselt juulis ja augustis. Talvel püsivad
mesilased tarus koos ning söövad mett, mille nad suvel kogusid.

fa | چای ایرانی | چای | و در که را از
چای نوشیدنی محبوب مردم ایران است. کشاورزان گیلان برگ چای را در بهار و تابستان می‌چینند و به کارخانه می‌برند. در کارخانه برگ چای
خشک و بسته‌بندی می‌شود. مردم چای را در استکان می‌ریزند و با قند می‌نوشند. باغ‌های چای لاهیجان هر سال گردشگران زیادی را جذب می‌کنند.

fi | Rautatiemuseo | rautatiemuse veturi | ja on että joka sekä
Rautatiemuseo sijaitsee vanhassa veturitallissa kaupungin laidalla. Museossa on kymmenen höyryveturia ja vanhoja matkustajavaunuja.
Vanhin höyryveturi rakennettiin yli sata vuotta sitten, ja se kulkee yhä. Kesäisin rautatiemuseo järjestää retkiä höyryjunalla
naapurikaupunkiin. Lapset voivat kokeilla veturinkuljettajan työtä.

he | המגדלור הישן | מגדלור המגדלור | של את על היה הוא
המגדלור הישן עומד על צוק מעל הנמל. שומר המגדלור הדליק את הפנס בכל ערב והשגיח על הספינות עד הבוקר. לפני מאה שנה טבעו ספינות רבות
ליד הסלעים, ולכן בנו הדייגים את המגדלור. היום הפנס פועל בחשמל, ובבית השומר יש מוזיאון קטן. המבקרים עולים אל ראש המגדלור ורואים
את הים.

hi | मधुमक्खी पालन | मधुमक्खी मधुमक्खियाँ शहद | के में है और से
मधुमक्खी पालन गाँव के किसानों के लिए आय का अच्छा साधन है। किसान लकड़ी के बक्सों में मधुमक्खियाँ रखते हैं और सरसों के खेतों के पास
बक्से लगाते हैं। मधुमक्खियाँ फूलों से रस लाती हैं और शहद बनाती हैं। एक बक्से से साल में लगभग बीस किलो शहद मिलता है। मधुमक्खी पालन से
फसलों की पैदावार भी बढ़ती है।

hr | Svjetionik na otoku | svjetionik | je na koji su se
Svjetionik na otoku sagrađen je prije stotinu godina na visokoj stijeni. Svjetioničar je ondje živio s obitelji i svake večeri
palio svjetlo. Brodovi su svjetlo svjetionika vidjeli iz velike daljine. Danas svjetionik radi na struju, a u kući svjetioničara
uređen je mali muzej. Posjetitelji se penju na svjetionik i gledaju more.

hu | A vasúti múzeum | múzeum mozdony gőzmozdony | és az hogy egy van
A vasúti múzeum egy régi fűtőházban működik a város szélén. A látogatók gőzmozdonyokat, személykocsikat és régi jelzőket
nézhetnek meg. A legrégebbi gőzmozdony több mint száz éve készült, és ma is közlekedik. Nyaranta a múzeum gőzvonattal viszi az
utasokat a szomszéd városba. A gyerekek kipróbálhatják a mozdonyvezető munkáját.

id | Kebun teh di pegunungan | teh | yang dan di dengan untuk
Kebun teh di pegunungan itu dibuka lebih dari seratus tahun yang lalu. Para pemetik memetik daun teh setiap pagi dan membawanya
ke pabrik. Di pabrik, daun teh dilayukan, digulung, dan dikeringkan. Teh hitam dari kebun itu dijual sampai ke Eropa. Pengunjung
dapat berjalan di antara tanaman teh dan mencicipi teh segar.

it | Il faro sulla scogliera | faro | che di una per è
Il faro fu costruito sulla scogliera più di cento anni fa. Ogni sera il guardiano del faro accendeva la lampada e sorvegliava le
navi. Oggi la lampada è automatica e nella casa del guardiano c'è un piccolo museo. Il museo del faro mostra carte nautiche e
fotografie di naufragi. I visitatori salgono sulla torre del faro per vedere il mare.

ja | 灯台の歴史 | 灯台 | の は が を に
この灯台は百年前に岬の岩の上に建てられました。灯台守は毎晩ランプに火をつけて、朝まで船を見守りました。
今では灯台のランプは電気で動き、灯台守の家は小さな博物館になっています。
博物館には海図と船の写真があります。夏には多くの観光客が灯台に登って海を眺めます。

ko | 양봉의 역사 | 꿀벌 양봉 벌꿀 | 그리고 있습니다 또는 합니다
양봉은 꿀벌을 길러 꿀을 얻는 일입니다. 이 마을의 농부들은 오래전부터 양봉을 하며 아카시아 꿀을 생산했습니다. 꿀벌은 봄에 꽃에서
꽃꿀을 모으고 벌통에 꿀을 저장합니다. 벌통 하나에서 해마다 약 이십 킬로그램의 꿀이 나옵니다. 겨울에는 꿀벌이 벌통 안에서
함께 지냅니다.

lt | Bitininkystė Lietuvoje | bit bitininkyst med | ir yra kad kurie su
Bitininkystė Lietuvoje yra senas amatas. Bitininkas laiko bites aviliuose, kurie stovi sode arba miško pakraštyje. Pavasarį bitės
renka nektarą iš gluosnių ir pienių, o vasarą iš liepų. Medus iš avilių imamas liepą ir rugpjūtį. Žiemą bitės būna avilyje kartu
ir maitinasi medumi.

lv | Dzelzceļa muzejs | muzej lokomotīv | un ir kas no ar
Dzelzceļa muzejs atrodas vecā depo pilsētas malā. Muzejā var apskatīt tvaika lokomotīves, pasažieru vagonus un vecus signālus.
Vecākā tvaika lokomotīve uzbūvēta pirms simt gadiem un joprojām brauc. Katru vasaru muzejs rīko braucienus ar tvaika vilcienu uz
kaimiņu pilsētu. Bērni muzejā var izmēģināt mašīnista darbu.

nl | De vuurtoren op het eiland | vuurtoren | de het een van en
De vuurtoren op het eiland werd meer dan honderd jaar geleden gebouwd. De vuurtorenwachter stak elke avond de lamp aan en hield
de schepen in de gaten. Tegenwoordig werkt de lamp van de vuurtoren automatisch en is het huis van de wachter een museum. Het
museum toont zeekaarten en foto's van schipbreuken. Bezoekers mogen de vuurtoren beklimmen en over zee kijken.

no | Jernbanemuseet | jernbanemuse damplokomotiv lokomotiv | og som på er til
Jernbanemuseet ligger i en gammel lokomotivstall utenfor byen. Her kan besøkende se damplokomotiver, passasjervogner og gamle
signaler. Det eldste damplokomotivet ble bygget for over hundre år siden og kjører fortsatt. Hver sommer arrangerer
jernbanemuseet turer med damptog til nabobyen. Barna får prøve å være lokomotivfører.

ro | Apicultura la munte | apicultur albin stup miere | și de la care este
Apicultura este o ocupație veche în satele de munte. Apicultorii țin albinele în stupi și mută stupii primăvara lângă pădurile de
salcâm. Albinele adună nectarul și fac miere în faguri. Un stup dă cam douăzeci de kilograme de miere pe an. Iarna, albinele stau
în stup și se hrănesc cu mierea adunată vara.

ru | Железнодорожный музей | музе паровоз | и в на который что
Железнодорожный музей находится в старом депо на окраине города. Посетители могут увидеть паровозы, пассажирские вагоны и старые
семафоры. Самый старый паровоз построен более ста лет назад и до сих пор ездит. Каждое лето музей возит гостей на поезде с
паровозом в соседний город. Дети в музее пробуют себя в роли машиниста.

sk | Včelárstvo v horách | včel med včelár | a sa na ktoré je
Včelárstvo je v horských dedinách staré remeslo. Včelári chovajú včely v úľoch, ktoré na jar presúvajú k lipovým lesom. Včely
zbierajú nektár a robia med. Jeden úľ dá za rok asi dvadsať kilogramov medu. V zime včely sedia v úli a živia sa medom, ktorý
nazbierali v lete.

sl | Železniški muzej | muzej lokomotiv | in je na ki za
Železniški muzej stoji v stari kurilnici na robu mesta. Obiskovalci si lahko ogledajo parne lokomotive, potniške vagone in stare
signale. Najstarejša parna lokomotiva je bila izdelana pred več kot sto leti in še vedno vozi. Vsako poletje muzej pripravi vožnje
s parnim vlakom v sosednje mesto. Otroci v muzeju preizkusijo delo strojevodje.

sr | Железнички музеј | музеј локомотив | и је на који се
Железнички музеј налази се у старој ложионици на крају града. Посетиоци могу да виде парне локомотиве, путничке вагоне и старе
сигнале. Најстарија парна локомотива направљена је пре више од сто година и још увек вози. Сваког лета музеј организује вожње
парним возом до суседног града. Деца у музеју пробају посао машиновође.

th | ประภาคารบนเกาะ | ประภาคาร | และ ที่ ของ ใน เป็น
ประภาคารบนเกาะสร้างขึ้นเมื่อหนึ่งร้อยปีก่อนบนโขดหินสูง ผู้ดูแลประภาคารจุดตะเกียงทุกเย็นและเฝ้าดูเรือจนถึงเช้า
ปัจจุบันตะเกียงของประภาคารใช้ไฟฟ้า และบ้านของผู้ดูแลกลายเป็นพิพิธภัณฑ์ พิพิธภัณฑ์แสดงแผนที่ทะเลและภาพถ่ายของเรือ
นักท่องเที่ยวขึ้นไปบนประภาคารเพื่อชมทะเล

tr | Dağlarda arıcılık | arı arıcılık bal | ve bir için bu ile
Arıcılık dağ köylerinde eski bir meslektir. Arıcılar arıları kovanlarda tutar ve kovanları ilkbaharda kestane ormanlarına taşır.
Arılar çiçeklerden nektar toplar ve bal yapar. Bir kovan yılda yaklaşık yirmi kilo bal verir. Kışın arılar kovanda kalır ve
yazın topladıkları balla beslenir. İyi bir arıcı arıların hastalıklarını tanır.

uk | Залізничний музей | музе паровоз | і на що як та
Залізничний музей розташований у старому депо на околиці міста. Відвідувачі можуть побачити паровози, пасажирські вагони та старі
семафори. Найстаріший паровоз збудували понад сто років тому, і він досі їздить. Щоліта музей возить гостей потягом із паровозом до
сусіднього міста. Діти в музеї пробують себе в ролі машиніста.

vi | Vườn chè trên núi | chè | và của là được các
Vườn chè trên núi được trồng cách đây hơn một trăm năm. Mỗi buổi sáng, người hái chè hái lá chè non và mang về nhà máy. Ở nhà máy,
lá chè được làm héo, vò và sấy khô. Chè xanh của vùng này được bán đi nhiều nước. Du khách có thể đi dạo giữa những luống chè và
uống một chén chè nóng.

zh | 铁路博物馆 | 博物馆 机车 蒸汽机车 | 的 了 是 在 和
铁路博物馆位于城市边缘的旧机车库。参观者可以看到蒸汽机车、客车车厢和旧信号机。
最古老的蒸汽机车是一百多年前制造的，今天仍然可以行驶。每年夏天，铁路博物馆都会开出蒸汽火车，带游客去邻近的城市。
孩子们可以在博物馆里体验司机的工作。

af | Die vuurtoring aan die kus | vuurtoring | die en van het is
Die vuurtoring aan die kus is meer as honderd jaar gelede op 'n rots gebou. Die vuurtoringwagter het elke aand die lamp aangesteek
en die skepe dopgehou. Vandag werk die lamp van die vuurtoring outomaties en die wagter se huis is 'n museum. Die museum wys
seekaarte en foto's van skipbreuke. Besoekers klim in die toring op om die see te sien.

br | Ar gwenan hag ar mel | gwenan mel | ar an ha eo en
Ar gwenan a vez savet abaoe pell en ti-gwenan. Er miz Ebrel e tastum ar gwenan nektar er bleunioù hag e reont mel. Ugent kilo mel a
vez tennet eus un ti-gwenan bep bloaz. E-pad ar goañv e chom ar gwenan en ti-gwenan hag e tebront mel. Ar mel gwrac'h a zo mat.

eo | La fervoja muzeo | muzeo lokomotivo | la kaj en estas de
La fervoja muzeo troviĝas en malnova lokomotivejo ĉe la rando de la urbo. La vizitantoj povas rigardi vaporlokomotivojn, vagonojn
kaj malnovajn signalojn. La plej malnova vaporlokomotivo estis konstruita antaŭ cent jaroj kaj ankoraŭ veturas. Ĉiun someron la
fervoja muzeo organizas veturojn per vaportrajno al la najbara urbo. Infanoj provas la laboron de la lokomotivestro.

eu | Itsasargia | itsasargi | eta da bat ere du
Itsasargia duela ehun urte eraiki zuten itsaslabarraren gainean. Itsasargiko zaindariak gauero pizten zuen lanpara eta ontziak
zaintzen zituen. Gaur egun itsasargiaren lanpara automatikoa da, eta zaindariaren etxea museo txiki bat da. Museoan itsas mapak
eta ontzien argazkiak daude. Bisitariak itsasargira igotzen dira itsasoa ikusteko.

ga | Teach solais an oileáin | solais | an agus ar tá na
Tógadh an teach solais ar charraig ard céad bliain ó shin. Las fear an tí solais an lampa gach oíche agus d'fhair sé na longa. Inniu
oibríonn lampa an tí solais le leictreachas agus tá músaem beag sa teach. Taispeánann an músaem cairteacha farraige agus
grianghraif de longa. Téann cuairteoirí suas sa teach solais chun an fharraige a fheiceáil.

gl | O faro da costa | faro | que unha para con é
O faro foi construído hai máis de cen anos nun cantil da costa. O fareiro acendía a lámpada todas as noites e vixiaba os barcos.
Hoxe a lámpada do faro é automática e a casa do fareiro é un pequeno museo. O museo do faro amosa cartas náuticas e fotografías de
naufraxios. Os visitantes soben á torre do faro para ver o mar.

hy | Մեղվաբուծությունը լեռներում | մեղու մեղվաբուծ մեղր | և է են որ մեջ
Մեղվաբուծությունը լեռնային գյուղերի հին արհեստ է։ Մեղվապահները մեղուներին պահում են փեթակներում և գարնանը փեթակները տանում են
անտառի մոտ։ Մեղուները ծաղիկներից նեկտար են հավաքում և մեղր են պատրաստում։ Մեկ փեթակը տարեկան մոտ քսան կիլոգրամ մեղր է տալիս։
Ձմռանը մեղուները մնում են փեթակում և սնվում մեղրով։

la | De apibus | apes apum apibus mel mellis | et in est ad quod
Apes in alvearibus habitant, quae agricolae prope hortos ponunt. Vere apes e floribus nectar colligunt et mel faciunt. Regina apum
una est, ceterae apes operariae sunt. Agricolae aestate mel ex alvearibus capiunt et ceram vendunt. Hieme apes in alveari manent
et melle vivunt. Vergilius poeta de apibus librum scripsit.

ne | चिया बगान | चिया | र को मा छ हुन्छ
इलामको चिया बगान सय वर्षभन्दा पुरानो छ। मजदुरहरू हरेक बिहान चियाको पात टिप्छन् र कारखानामा लैजान्छन्। कारखानामा चियाको पात सुकाइन्छ
र प्याक गरिन्छ। इलामको चिया युरोपसम्म बिक्री हुन्छ। पर्यटकहरू चिया बगानमा घुम्छन् र ताजा चिया पिउँछन्।

sw | Ufugaji wa nyuki | nyuki asali | na ya wa kwa ni
Ufugaji wa nyuki ni kazi ya zamani katika vijiji vya milimani. Wafugaji huweka nyuki katika mizinga na kuitundika mizinga kwenye
miti. Nyuki hukusanya nekta kutoka kwa maua na kutengeneza asali. Mzinga mmoja hutoa kilo ishirini za asali kwa mwaka. Wafugaji
huuza asali na nta sokoni.

ta | தேயிலைத் தோட்டம் | தேயிலை | மற்றும் ஒரு இது என்று உள்ள
நீலகிரி மலையில் உள்ள தேயிலைத் தோட்டம் நூறு ஆண்டுகளுக்கு முன் தொடங்கப்பட்டது. தொழிலாளர்கள் தினமும் காலையில் தேயிலை பறித்து
தொழிற்சாலைக்கு கொண்டு செல்கின்றனர். தொழிற்சாலையில் தேயிலை உலர்த்தப்பட்டு பொதி செய்யப்படுகிறது. நீலகிரி தேயிலை பல நாடுகளுக்கு
ஏற்றுமதி ஆகிறது. சுற்றுலாப் பயணிகள் தேயிலைத் தோட்டம் வழியாக நடக்கின்றனர்.

tl | Ang parola sa isla | parola | ang ng sa mga ay
Ang parola sa isla ay itinayo mahigit isang daang taon na ang nakalipas. Tuwing gabi, sinisindihan ng tagabantay ang lampara ng
parola at binabantayan ang mga barko. Ngayon, de-kuryente na ang lampara ng parola at naging museo ang bahay ng tagabantay. Makikita
sa museo ang mga mapa ng dagat at larawan ng mga barko. Umaakyat ang mga bisita sa parola para makita ang dagat.

ur | پرانا مینار | مینار روشنی | کے میں ہے اور سے
بندرگاہ کا پرانا روشنی کا مینار سو سال پہلے ایک چٹان پر بنایا گیا تھا۔ مینار کا محافظ ہر شام چراغ جلاتا تھا اور صبح تک جہازوں پر نظر رکھتا
تھا۔ آج مینار کا چراغ بجلی سے چلتا ہے اور محافظ کا گھر ایک چھوٹا عجائب گھر ہے۔ عجائب گھر میں سمندر کے نقشے اور جہازوں کی تصویریں ہیں۔
سیاح مینار پر چڑھ کر سمندر دیکھتے ہیں۔

yi | דער באַן־מוזיי | מוזיי לאָקאָמאָטיוו לאָקאָמאָטיוון | דער און איז די פֿון
דער באַן־מוזיי געפֿינט זיך אין אַן אַלטער סטאַנציע ביים ראַנד פֿון שטאָט. אין מוזיי קען מען זען אַלטע לאָקאָמאָטיוון, וואַגאָנען און
סיגנאַלן. די עלטסטע לאָקאָמאָטיוו איז הונדערט יאָר אַלט און פֿאָרט נאָך היינט. יעדן זומער פֿאָרן די קינדער מיט אַ באַן פֿון מוזיי ביז
דער צווייטער שטאָט.
"""


class Sample:
    """A page, the words of its subject, and function words of its language."""

    def __init__(self, lines: str) -> None:
        """Read it as it is written above."""
        head, self.text = lines.split("\n", 1)
        self.code, self.title, subject, function = head.split(" | ")
        self.subject, self.function = subject.split(), set(function.split())

    def page(self, url: str, declared: str = "") -> dict[str, str]:
        """Return the page, with its language declared or not."""
        html = f"<!doctype html><html{declared}><title>{self.title}</title><h1>{self.title}</h1><p>{self.text}</p>"
        return {"url": url, "html": html}


ALL = {sample.code: sample for sample in map(Sample, SAMPLES.strip().split("\n\n"))}


@pytest.fixture(scope="module")
def results() -> dict[str, dict[str, Any]]:
    """What the job finds in all samples, with their languages declared and (``?XX``) not."""
    pages = [sample.page(code, f' lang="{code}"') for code, sample in ALL.items()]
    pages += [sample.page(f"?{code}") for code, sample in ALL.items() if code not in DECLARED_ONLY]
    result = run_pages(pages, engine="serial")
    return {page["url"]: page for page in result.read_keywords()}


def test_samples_for_all_languages() -> None:
    """That have no gold standard."""
    assert set(ALL) == set(LANGUAGES) - JUDGED


@pytest.mark.parametrize(
    "url",
    [
        *ALL,
        *(
            pytest.param(f"?{code}", marks=pytest.mark.xfail(reason=TAKEN_FOR[code])) if code in TAKEN_FOR else f"?{code}"
            for code in ALL
            if code not in DECLARED_ONLY
        ),
    ],
)
def test_sample(url: str, results: dict[str, dict[str, Any]]) -> None:
    """The language is detected, the subject is among the first three keywords, and no keyword starts or ends with a stopword."""
    sample, result = ALL[url.lstrip("?")], results[url]
    assert result["language"] == sample.code
    phrases = [str(keyword["phrase"]) for keyword in result["keywords"]]
    assert any(word in phrase.lower() for phrase in phrases[:3] for word in sample.subject), phrases
    for phrase in phrases:
        for word in (phrase.split()[0], phrase.split()[-1]):
            assert word.lower() not in sample.function, phrase
            assert not lexicon(sample.code).is_stopword(word.lower(), word), phrase
