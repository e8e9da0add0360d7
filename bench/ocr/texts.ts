/** Public-domain prose the pages are made of; only characters of the recogniser's dictionary. */
export const passages: readonly string[] = [
  // Lewis Carroll, Alice's Adventures in Wonderland, 1865
  'Alice was beginning to get very tired of sitting by her sister on the bank, and of having nothing to do: once or twice she had peeped into the book her sister was reading, but it had no pictures or conversations in it, "and what is the use of a book," thought Alice, "without pictures or conversations?" So she was considering in her own mind (as well as she could, for the hot day made her feel very sleepy and stupid), whether the pleasure of making a daisy-chain would be worth the trouble of getting up and picking the daisies, when suddenly a White Rabbit with pink eyes ran close by her. There was nothing so very remarkable in that; nor did Alice think it so very much out of the way to hear the Rabbit say to itself, "Oh dear! Oh dear! I shall be late!" But when the Rabbit actually took a watch out of its waistcoat-pocket, and looked at it, and then hurried on, Alice started to her feet.',
  // Jane Austen, Pride and Prejudice, 1813
  'It is a truth universally acknowledged, that a single man in possession of a good fortune, must be in want of a wife. However little known the feelings or views of such a man may be on his first entering a neighbourhood, this truth is so well fixed in the minds of the surrounding families, that he is considered as the rightful property of some one or other of their daughters. "My dear Mr. Bennet," said his lady to him one day, "have you heard that Netherfield Park is let at last?" Mr. Bennet replied that he had not. "But it is," returned she; "for Mrs. Long has just been here, and she told me all about it." Mr. Bennet made no answer. "Do not you want to know who has taken it?" cried his wife impatiently. "You want to tell me, and I have no objection to hearing it." This was invitation enough.',
  // Herman Melville, Moby-Dick, 1851
  "Call me Ishmael. Some years ago, never mind how long precisely, having little or no money in my purse, and nothing particular to interest me on shore, I thought I would sail about a little and see the watery part of the world. It is a way I have of driving off the spleen and regulating the circulation. Whenever I find myself growing grim about the mouth; whenever it is a damp, drizzly November in my soul; whenever I find myself involuntarily pausing before coffin warehouses, and bringing up the rear of every funeral I meet; and especially whenever my hypos get such an upper hand of me, that it requires a strong moral principle to prevent me from deliberately stepping into the street, and methodically knocking people's hats off, then, I account it high time to get to sea as soon as I can. This is my substitute for pistol and ball.",
  // Charles Dickens, A Tale of Two Cities, 1859
  'It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, it was the epoch of belief, it was the epoch of incredulity, it was the season of Light, it was the season of Darkness, it was the spring of hope, it was the winter of despair, we had everything before us, we had nothing before us, we were all going direct to Heaven, we were all going direct the other way. In short, the period was so far like the present period, that some of its noisiest authorities insisted on its being received, for good or for evil, in the superlative degree of comparison only. There were a king with a large jaw and a queen with a plain face, on the throne of England; there were a king with a large jaw and a queen with a fair face, on the throne of France.',
  // Thomas Jefferson and others, 1776
  "When in the Course of human events, it becomes necessary for one people to dissolve the political bands which have connected them with another, and to assume among the powers of the earth, the separate and equal station to which the Laws of Nature and of Nature's God entitle them, a decent respect to the opinions of mankind requires that they should declare the causes which impel them to the separation. We hold these truths to be self-evident, that all men are created equal, that they are endowed by their Creator with certain unalienable Rights, that among these are Life, Liberty and the pursuit of Happiness. That to secure these rights, Governments are instituted among Men, deriving their just powers from the consent of the governed.",
  // Abraham Lincoln, 1863
  'Four score and seven years ago our fathers brought forth on this continent, a new nation, conceived in Liberty, and dedicated to the proposition that all men are created equal. Now we are engaged in a great civil war, testing whether that nation, or any nation so conceived and so dedicated, can long endure. We are met on a great battle-field of that war. We have come to dedicate a portion of that field, as a final resting place for those who here gave their lives that that nation might live. It is altogether fitting and proper that we should do this. But, in a larger sense, we can not dedicate, we can not consecrate, we can not hallow this ground. The brave men, living and dead, who struggled here, have consecrated it, far above our poor power to add or detract.',
  // Arthur Conan Doyle, A Scandal in Bohemia, 1891
  "To Sherlock Holmes she is always the woman. I have seldom heard him mention her under any other name. In his eyes she eclipses and predominates the whole of her sex. It was not that he felt any emotion akin to love for Irene Adler. All emotions, and that one particularly, were abhorrent to his cold, precise but admirably balanced mind. He was, I take it, the most perfect reasoning and observing machine that the world has seen, but as a lover he would have placed himself in a false position. He never spoke of the softer passions, save with a gibe and a sneer. They were admirable things for the observer; excellent for drawing the veil from men's motives and actions. But for the trained reasoner to admit such intrusions into his own delicate and finely adjusted temperament was to introduce a distracting factor which might throw a doubt upon all his mental results.",
  // Mary Shelley, Frankenstein, 1818
  'You will rejoice to hear that no disaster has accompanied the commencement of an enterprise which you have regarded with such evil forebodings. I arrived here yesterday; and my first task is to assure my dear sister of my welfare, and increasing confidence in the success of my undertaking. I am already far north of London; and as I walk in the streets of Petersburgh, I feel a cold northern breeze play upon my cheeks, which braces my nerves, and fills me with delight. Do you understand this feeling? This breeze, which has travelled from the regions towards which I am advancing, gives me a foretaste of those icy climes. Inspirited by this wind of promise, my day dreams become more fervent and vivid.',
  // Charles Darwin, On the Origin of Species, 1859
  "When on board H.M.S. Beagle, as naturalist, I was much struck with certain facts in the distribution of the inhabitants of South America, and in the geological relations of the present to the past inhabitants of that continent. These facts seemed to me to throw some light on the origin of species, that mystery of mysteries, as it has been called by one of our greatest philosophers. On my return home, it occurred to me, in 1837, that something might perhaps be made out on this question by patiently accumulating and reflecting on all sorts of facts which could possibly have any bearing on it. After five years' work I allowed myself to speculate on the subject, and drew up some short notes.",
  // Henry David Thoreau, Walden, 1854
  'I went to the woods because I wished to live deliberately, to front only the essential facts of life, and see if I could not learn what it had to teach, and not, when I came to die, discover that I had not lived. I did not wish to live what was not life, living is so dear; nor did I wish to practise resignation, unless it was quite necessary. I wanted to live deep and suck out all the marrow of life, to live so sturdily and Spartan-like as to put to rout all that was not life, to cut a broad swath and shave close, to drive life into a corner, and reduce it to its lowest terms. Simplify, simplify. Instead of three meals a day, if it be necessary eat but one; instead of a hundred dishes, five; and reduce other things in proportion.',
  // Adam Smith, The Wealth of Nations, 1776
  'The greatest improvement in the productive powers of labour, and the greater part of the skill, dexterity, and judgment with which it is any where directed, or applied, seem to have been the effects of the division of labour. To take an example, therefore, from a very trifling manufacture; but one in which the division of labour has been very often taken notice of, the trade of the pin-maker; a workman not educated to this business, nor acquainted with the use of the machinery employed in it, could scarce, perhaps, with his utmost industry, make one pin in a day, and certainly could not make twenty. One man draws out the wire, another straights it, a third cuts it, a fourth points it, a fifth grinds it at the top for receiving the head.',
  // H. G. Wells, The Time Machine, 1895
  'The Time Traveller (for so it will be convenient to speak of him) was expounding a recondite matter to us. His grey eyes shone and twinkled, and his usually pale face was flushed and animated. The fire burned brightly, and the soft radiance of the incandescent lights in the lilies of silver caught the bubbles that flashed and passed in our glasses. Our chairs, being his patents, embraced and caressed us rather than submitted to be sat upon, and there was that luxurious after-dinner atmosphere when thought roams gracefully free of the trammels of precision. And he put it to us in this way, marking the points with a lean forefinger, as we sat and lazily admired his earnestness over this new paradox and his fecundity.',
];

export const poems: readonly string[] = [
  // William Shakespeare, Sonnet 18, 1609
  "Shall I compare thee to a summer's day?\nThou art more lovely and more temperate:\nRough winds do shake the darling buds of May,\nAnd summer's lease hath all too short a date:\nSometime too hot the eye of heaven shines,\nAnd often is his gold complexion dimm'd;\nAnd every fair from fair sometime declines,\nBy chance, or nature's changing course, untrimm'd;\nBut thy eternal summer shall not fade,\nNor lose possession of that fair thou ow'st;\nNor shall death brag thou wander'st in his shade,\nWhen in eternal lines to time thou grow'st:\nSo long as men can breathe or eyes can see,\nSo long lives this, and this gives life to thee.",
  // William Blake, The Tyger, 1794
  'Tyger Tyger, burning bright,\nIn the forests of the night;\nWhat immortal hand or eye,\nCould frame thy fearful symmetry?\nIn what distant deeps or skies,\nBurnt the fire of thine eyes?\nOn what wings dare he aspire?\nWhat the hand, dare seize the fire?\nAnd what shoulder, and what art,\nCould twist the sinews of thy heart?\nAnd when thy heart began to beat,\nWhat dread hand? and what dread feet?',
];

export const titles: readonly string[] = [
  'Down the Rabbit-Hole',
  'Of the Division of Labour',
  'The Flight of Time',
  'Letters from the North',
  'Where I Lived, and What I Lived For',
  'A Voyage to South America',
  'The Woods in Winter',
  'Notes on a Journey',
];

/** Values of tables: facts and made-up prices. */
export const planets: readonly (readonly string[])[] = [
  ['Planet', 'Diameter', 'Day length', 'Moons', 'Discovered'],
  ['Mercury', '4,879 km', '4,222.6 h', '0', 'ancient'],
  ['Venus', '12,104 km', '2,802.0 h', '0', 'ancient'],
  ['Earth', '12,756 km', '24.0 h', '1', 'ancient'],
  ['Mars', '6,792 km', '24.7 h', '2', 'ancient'],
  ['Jupiter', '142,984 km', '9.9 h', '95', 'ancient'],
  ['Saturn', '120,536 km', '10.7 h', '146', 'ancient'],
  ['Uranus', '51,118 km', '17.2 h', '28', '1781'],
  ['Neptune', '49,528 km', '16.1 h', '16', '1846'],
];

export const goods: readonly string[] = [
  'Rye bread 750 g',
  'Olive oil 0.5 l',
  'Green apples',
  'Oat milk',
  'Coffee beans',
  'Tomatoes on the vine',
  'Dark chocolate 70%',
  'Basmati rice 1 kg',
  'Sparkling water',
  'Cheddar, mature',
  'Spinach',
  'Free-range eggs x10',
  'Candles (6)',
  'Kitchen paper',
];

export const code: readonly string[] = [
  'export function median(values) {',
  '  if (values.length === 0) return undefined;',
  '  const sorted = [...values].sort((a, b) => a - b);',
  '  const middle = Math.floor(sorted.length / 2);',
  '  if (sorted.length % 2 === 1) return sorted[middle];',
  '  return (sorted[middle - 1] + sorted[middle]) / 2;',
  '}',
  'const prices = { apples: 1.25, pears: 0.8 };',
  'for (const [name, price] of Object.entries(prices)) {',
  '  console.log("price of", name, "is", price.toFixed(2));',
  '}',
  'test("median of an even count", () => {',
  '  expect(median([4, 1, 3, 2])).toBe(2.5);',
  '});',
];

/** Text the dictionary can't write as a whole; scored apart. */
export const outsideDictionary: readonly string[] = [
  'Grüße aus Köln! Das Mädchen öffnete die große Tür und sagte: »Schön, daß Sie da sind.« Über den Dächern flog ein Vögelchen. Die Bäckerei verkauft Brötchen für 0,85 € und süße Hörnchen für 1,20 €.',
  'Le garçon a reçu une leçon de français à l’école. Où êtes-vous né ? Le cœur de l’été brûlait déjà, et la forêt sentait la résine. Ça coûte 12,50 € – pas plus – chez l’épicier.',
  'El niño soñaba con una mañana de otoño. ¿Cuántos años tiene la señora Núñez? Mañana compraré jalapeños por £3.20 © 1899 Æsop & Sons, size 2½ – 3½, § 14.',
];
