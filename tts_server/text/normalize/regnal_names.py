"""First names of rulers and popes in the languages of Europe, in lower case: what follows them in Roman numerals is an ordinal."""

from __future__ import annotations

REGNAL_NAMES = frozenset(
    """
    abdülaziz abdülhamid abdülmecid ahmed bayezid birger elisabet harald håkan håkon knut kristian margareta osman sven
    abdülhamid adam adolf adrian adriano afonso albert alberto albrecht aleksander aleksandr alessandro alexander alexandre alexandru
    alexios alfonso alfred amadeo amedeo andreas andrew andrzej anna anne antiochos august augusto augustus balduin baudoin baudouin
    beatrix benedetto benedict benedicto benedictus benedikt benedykt benoît bento boleslaus bolesław boniface bonifacio bonifacius
    bonifatius bonifaz boris boudewijn calixto carl carlo carlos carol caroline catalina catarina caterina catherine celestino charles
    christiaan christian christina christine clemens clement clemente clément conrad constantin constantino costantino daniel dareios
    dario darío david dinis dionisio duarte edoardo eduard eduardo edward elisabeth elisabetta elizabeth elżbieta emanuel emanuele
    emmanuel enrico enrique erik ernesto ernst eugen eugenio eugène federico felipe felix ferdinand ferdinando fernando filip filippo
    filips francesco francis francisco franciscus frans franz françois frederick frederik fredrik friedrich fryderyk frédéric georg george
    georges giacomo gianpaolo giorgio giovanni girolamo giulio gregor gregorio gregorius gregory grégoire guglielmo guillaume guillermo
    gustaf gustav gustavo haakon hadrian hassan heinrich hendrick hendrik henri henrik henrique henry henryk humberto innocent innocentius
    innocenzo innozenz inocencio isabel isabella isabelle ivan iván jacques jaime jakob jakub jan jean jean-paul johan johann joão johannes
    john jorge josef joseph juan juana jules juliana julien julio julius karel karl karol katarzyna katharina kazimierz klemens konrad
    konstantin kristina lajos leo leon leonardo leone leopold leopoldo león lodewijk lothar louis ludovico ludvig ludwig luigi luis luís
    léopold magnus mahmud manuel margarethe margrethe maria marie martin maximilian maximiliano maximilien mehmed meszko michael michał
    mieszko mikołaj mohammed muhammad murad mustafa napoleon napoleone napoléon nerva niccolò nicholas nicola nicolas nicolás nikolai
    nikolaus olaf olav oscar oskar otto ottone ottó pablo paolo paul paulo paulus paweł pedro peter petrus philip philipp philippe pie
    pierre pietro pio piotr pius ptolemaios ptolémée rama ramses ramsès ramsés ricardo riccardo richard robert roberto rodolfo rudolf
    sancho sebastian sebastián sebastião selim sigismund sisto sixto sixtus stanislaus stanisław stefan stefano suleiman sverre süleyman
    theodor theodosius thutmosis tutmosis umberto urbain urban urbano valdemar victor viktor vittorio vitório víctor waldemar wenzel
    wilhelm wilhelmina willem william władysław xerxes zygmunt александр алексей анна борис василий вильгельм владимир генрих георг
    георгий григорий густав дмитрий екатерина елизавета иван иоанн карл константин лев людвиг людовик мария михаил наполеон николай оттон
    павел петр пий пётр рамсес ричард сигизмунд станислав стефан федор фердинанд филипп франциск фридрих фёдор эдуард якоб яков
    """.split()
)
