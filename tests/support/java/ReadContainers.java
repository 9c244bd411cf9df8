import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.SchemaNormalization;
import org.apache.avro.file.CodecFactory;
import org.apache.avro.file.DataFileReader;
import org.apache.avro.file.DataFileWriter;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.io.JsonEncoder;

/**
 * What Avro's Java makes of container files. Arguments: their directory, and one for the answers. Of each NAME.avro it
 * writes NAME.json, a record a line; NAME.schema, the canonical form and the fingerprints; and, if the file is not
 * compressed, NAME-CODEC.avro for each codec, with a block for each record, and NAME-blocking.avro, in which arrays and
 * maps are cut into blocks. On standard output it tells of each file that it cannot do this for.
 */
public final class ReadContainers {
  private static final List<String> CODECS = List.of("null", "deflate", "bzip2", "snappy", "xz", "zstandard");

  public static void main(String[] arguments) throws Exception {
    Path to = Path.of(arguments[1]);
    try (DirectoryStream<Path> files = Files.newDirectoryStream(Path.of(arguments[0]), "*.avro")) {
      for (Path file : files) {
        String name = file.getFileName().toString().replace(".avro", "");
        try {
          read(file, to, name);
        } catch (Exception error) {
          System.out.println(name + ": " + error);
        }
      }
    }
  }

  private static void read(Path file, Path to, String name) throws Exception {
    List<Object> data = new ArrayList<>();
    Schema schema;
    boolean plain;
    try (DataFileReader<Object> reader = new DataFileReader<>(file.toFile(), new GenericDatumReader<>())) {
      schema = reader.getSchema();
      plain = reader.getMetaString("avro.codec").equals("null");
      reader.forEach(data::add);
    }
    Files.write(to.resolve(name + ".json"), json(schema, data));
    if (plain) {
      List<String> lines = new ArrayList<>(List.of(SchemaNormalization.toParsingForm(schema)));
      for (String algorithm : List.of("CRC-64-AVRO", "MD5", "SHA-256")) {
        lines.add(HexFormat.of().formatHex(SchemaNormalization.parsingFingerprint(algorithm, schema)));
      }
      Files.write(to.resolve(name + ".schema"), lines, StandardCharsets.UTF_8);
      for (String codec : CODECS) {
        write(schema, data, codec, to.resolve(name + "-" + codec + ".avro"));
      }
      writeBlocking(schema, data, to.resolve(name + "-blocking.avro"));
    }
  }

  private static byte[] json(Schema schema, List<Object> data) throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    JsonEncoder encoder = EncoderFactory.get().jsonEncoder(schema, out);
    GenericDatumWriter<Object> writer = new GenericDatumWriter<>(schema);
    for (Object datum : data) {
      writer.write(datum, encoder);
    }
    encoder.flush();
    return out.toByteArray();
  }

  private static void write(Schema schema, List<Object> data, String codec, Path file) throws Exception {
    try (DataFileWriter<Object> writer = new DataFileWriter<>(new GenericDatumWriter<>(schema))) {
      writer.setCodec(CodecFactory.fromString(codec)).create(schema, file.toFile());
      for (Object datum : data) {
        writer.append(datum);
        writer.sync();
      }
    }
  }

  private static void writeBlocking(Schema schema, List<Object> data, Path file) throws Exception {
    EncoderFactory small = new EncoderFactory().configureBlockSize(64);
    GenericDatumWriter<Object> encoded = new GenericDatumWriter<>(schema);
    try (DataFileWriter<Object> writer = new DataFileWriter<>(new GenericDatumWriter<>(schema))) {
      writer.create(schema, file.toFile());
      for (Object datum : data) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        BinaryEncoder encoder = small.blockingBinaryEncoder(out, null);
        encoded.write(datum, encoder);
        encoder.flush();
        writer.appendEncoded(ByteBuffer.wrap(out.toByteArray()));
      }
    }
  }
}
