package dev.sluice.examples.springboot;

import org.springframework.boot.CommandLineRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * Prints the revenue of a river lock. The data source is made of {@code application.properties}
 * alone.
 */
@SpringBootApplication
public class Main {

  /** Made by Spring. */
  public Main() {}

  public static void main(String[] args) {
    SpringApplication.run(Main.class, args).close();
  }

  @Bean
  CommandLineRunner printRevenue(JdbcTemplate lock) {
    return args -> {
      String txid = lock.queryForObject("SELECT litestream_txid()", String.class);
      System.out.println("TXID " + txid);
      lock.query(
          "SELECT kind, passages, eur FROM revenue",
          row -> {
            System.out.println(row.getString(1) + "|" + row.getInt(2) + "|" + row.getDouble(3));
          });
    };
  }
}
